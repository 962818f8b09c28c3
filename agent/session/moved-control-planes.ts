/** Takes what a control plane says of where it is now to whoever looks for one. */
export class MovedControlPlanes {
  private learn: (address: string) => void = () => undefined;

  /** One listener: host:port each time. */
  onMoved(learn: (address: string) => void): void {
    this.learn = learn;
  }

  /** A control plane is there now. */
  tell(address: string): void {
    this.learn(address);
  }
}
