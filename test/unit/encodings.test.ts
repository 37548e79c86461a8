import { brotliDecompressSync } from "node:zlib";
import { expect, jest, test } from "@jest/globals";

const zlib = await import("node:zlib");
let failure: Error | undefined;
jest.unstable_mockModule("node:zlib", () => ({
	...zlib,
	brotliCompress: (...given: Parameters<typeof zlib.brotliCompress>) => {
		const done = given.at(-1) as unknown as (error: Error | null, bytes?: Buffer) => void;
		return failure ? done(failure) : zlib.brotliCompress(...given);
	},
}));
const { Body } = await import("../../services/api/encodings.ts");

test("a body whose compression has failed is compressed when it is wanted again, and once from then on", async () => {
	const body = new Body("x".repeat(2000));
	failure = new Error("out of memory");
	await expect(body.in("br")).rejects.toThrow("out of memory");
	failure = undefined;
	const bytes = await body.in("br");
	expect(brotliDecompressSync(bytes as Buffer).toString()).toBe(body.text);
	expect(body.in("br")).toBe(bytes);
});
