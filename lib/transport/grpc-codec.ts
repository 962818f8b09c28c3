import { bytesOf } from "./encode-once.js";
import type { MethodDefinition } from "./service.js";

/** A method as grpc-js describes it to clients and servers. */
export interface GrpcMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: unknown) => Buffer;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (message: unknown) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** The definition in grpc-js' words. Messages are copied nowhere: the bytes that are encoded are those sent. What a stream is sent may be sent on others too, and is encoded once then. */
export function grpcMethod(path: string, method: MethodDefinition): GrpcMethod {
  const serialize = (type: MethodDefinition["requestType"]) => (message: unknown) =>
    asBuffer(type.encode(message).finish());
  const serializeOnce = (type: MethodDefinition["requestType"]) => (message: unknown) =>
    bytesOf(message, () => asBuffer(type.encode(message).finish()));
  const deserialize = (type: MethodDefinition["requestType"]) => (bytes: Buffer) => type.decode(bytes);
  return {
    path,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: serialize(method.requestType),
    requestDeserialize: deserialize(method.requestType),
    responseSerialize: (method.responseStream ? serializeOnce : serialize)(method.responseType),
    responseDeserialize: deserialize(method.responseType),
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
