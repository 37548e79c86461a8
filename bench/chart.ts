import type { Measured } from "./measure.ts";
export function chart(_measured: Measured): string {
	return "";
}
