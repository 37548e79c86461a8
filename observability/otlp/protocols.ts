import type { OtlpEncoding } from "./encoding.ts";
import { json } from "./json.ts";
import { protobuf } from "./protobuf.ts";

/** Returns the encoding of a protocol: `http/protobuf` or `http/json`. */
export function encodingOf(protocol: string): OtlpEncoding {
	return protocol === "http/json" ? json : protobuf;
}
