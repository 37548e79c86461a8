import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const root = new URL("../../", import.meta.url);

/** Runs a program that has imported `infra/interruption.ts`. Returns its output, or the signal that ended it. */
async function end(program: string): Promise<string> {
	const source = `import { setTimeout as wait } from "node:timers/promises";
		import { deliverHeldSignals, holdSignals } from "./infra/interruption.ts";
		const send = (signal) => (process.kill(process.pid, signal), wait(20));
		const handle = () => process.on("SIGTERM", () => { console.log("handled"); process.exit(); });
		${program}
		await wait(5_000);`;
	const args = ["--no-warnings", "--input-type=module", "--eval", source];
	return await promisify(execFile)(process.execPath, args, { cwd: root }).then(
		({ stdout }) => stdout.trim(),
		(error) => error.signal,
	);
}

test("a signal that was deferred reaches the handler that is installed later", async () => {
	const program = `holdSignals(4_000); await send("SIGTERM"); handle(); deliverHeldSignals();`;
	expect(await end(program)).toBe("handled");
});

test("without a deferral, nothing is delivered, and signals reach the handler", async () => {
	expect(await end(`handle(); deliverHeldSignals(); await wait(20); await send("SIGTERM");`)).toBe("handled");
});

test("a second signal, the limit and the end of a deferral let signals end the process", async () => {
	const program = `holdSignals(4_000); await send("SIGTERM"); await send("SIGTERM");`;
	expect(await end(program)).toBe("SIGTERM");
	expect(await end(`holdSignals(10); await send("SIGTERM");`)).toBe("SIGTERM");
	expect(await end(`holdSignals(4_000).release(); await send("SIGTERM");`)).toBe("SIGTERM");
});
