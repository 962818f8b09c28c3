import { objectId, sequence, setOf, utf8String } from "./der.js";

/** Who a certificate is for: common name, and the organization that Tallship reads as the role. */
export interface Subject {
  readonly name: string;
  /** Left out when empty. */
  readonly organization: string;
}

/** The subject as an X.509 Name: organization first, common name last. */
export function encodeSubject(subject: Subject): Buffer {
  const attribute = (oid: string, text: string): Buffer => setOf(sequence(objectId(oid), utf8String(text)));
  const organization = subject.organization === "" ? [] : [attribute("2.5.4.10", subject.organization)];
  return sequence(...organization, attribute("2.5.4.3", subject.name));
}
