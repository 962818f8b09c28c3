/** The text with an address host:port replaced wherever it stands whole: a longer one that ends or begins like it is somebody else's. */
export function withAddress(text: string, before: string, after: string): string {
  const [head, ...others] = text.split(before);
  return others.reduce((whole, rest) => {
    const isPart = /[\w.:-]$/.test(whole) || /^\d/.test(rest);
    return `${whole}${isPart ? before : after}${rest}`;
  }, head ?? "");
}
