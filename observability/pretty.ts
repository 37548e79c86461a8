import { styleText } from "node:util";

const LEVELS: [from: number, name: string, style: Parameters<typeof styleText>[0]][] = [
	[60, "fatal", "red"],
	[50, "error", "red"],
	[40, "warn ", "yellow"],
	[30, "info ", "green"],
	[20, "debug", "blue"],
	[0, "trace", "gray"],
];

/** Fields of every line that people do not need: they see one shop, and the time of day. */
const LEFT_OUT = new Set(["level", "time", "node", "namespace", "service", "msg"]);

/** Returns a line of JSON as people read it: time, level, service, message, then the other fields. */
export function pretty(line: string, stream: NodeJS.WriteStream): string {
	const fields = JSON.parse(line) as Record<string, unknown> & { level: number; time: number };
	const [, name, style] = LEVELS.find(([from]) => fields.level >= from) ?? [0, "", "gray"];
	const milliseconds = String(fields.time % 1000).padStart(3, "0");
	const time = `${new Date(fields.time).toTimeString().slice(0, 8)}.${milliseconds}`;
	const others = Object.entries(fields)
		.filter(([key]) => !LEFT_OUT.has(key))
		.map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
	const styled = (as: Parameters<typeof styleText>[0], text: string) => styleText(as, text, { stream });
	const service = String(fields.service ?? "").padEnd(13);
	const ends = others.length > 0 ? ` ${styled("gray", others.join(" "))}` : "";
	return `${styled("gray", time)} ${styled(style, name)} ${styled("cyan", service)} ${fields.msg ?? ""}${ends}\n`;
}
