/**
 * Process of unforked.test.ts: a sender whose process dies while the system cannot start another, as at its limit of
 * processes or open files. Prints a line for each state.
 */
import { setTimeout as wait } from "node:timers/promises";
import { DeliveryProcess } from "../../services/notifications/delivery.ts";

const { execPath } = process;
const lines: string[] = [];
const sender = new DeliveryProcess((line) => lines.push(line));

async function until(what: string, check: () => boolean): Promise<void> {
	while (!check()) {
		await wait(20);
	}
	console.log(what);
}

await until("ready", () => sender.lease !== undefined);
// ENOENT is handled like EAGAIN and EMFILE: an error event without an exit.
process.execPath = "/nonexistent/node";
process.kill(sender.pid as number, "SIGKILL");
await until("not started", () => lines.length > 0 && sender.pid === undefined && !sender.isResponsive);
process.execPath = execPath;
await until("ready again", () => sender.isResponsive && sender.lease !== undefined);
await sender.close();
console.log(JSON.stringify(lines));
