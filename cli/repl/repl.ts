import { stripVTControlCharacters } from "node:util";
import type { ServiceBroker } from "moleculer";
import { ambiguityMessage } from "../../contracts/numbers.ts";
import type { Operator } from "./operator.ts";
import { operatorCommands } from "./operator-commands.ts";

/**
 * Opens Moleculer's REPL with the shop's own commands. Lines are run one after the other, also when they come from a
 * pipe; at the end of the input the process ends.
 */
export async function openRepl(broker: ServiceBroker, operator: Operator): Promise<void> {
	// Node's own REPL below it brings domains, which cost every event of a process a little from then on.
	const { default: startRepl } = await import("moleculer-repl");
	const isTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
	if (!isTerminal) {
		printWithoutColours();
	}
	const server = startRepl(broker, {
		delimiter: isTerminal ? "toko $" : "",
		customCommands: operatorCommands(operator),
	} as never);
	const close = async () => {
		await broker.stop();
		process.exit(0);
	};
	let queue = Promise.resolve();
	server.removeAllListeners("line");
	server.on("line", (line: string) => {
		queue = queue.then(
			() =>
				new Promise((done) => {
					const refusal = ambiguousNumber(line);
					if (refusal) {
						console.error(refusal);
						if (isTerminal) {
							server.displayPrompt();
						}
						done();
						return;
					}
					server.eval(line.trim(), server.context, "repl", () => {
						if (isTerminal) {
							server.displayPrompt();
						}
						done();
					});
				}),
		);
	});
	server.removeAllListeners("exit");
	server.on("exit", () => {
		queue = queue.then(close);
	});
	server.removeAllListeners("SIGINT");
	server.on("SIGINT", () => {
		void close();
	});
}

/** Values of options, and numbers in JSON. */
const VALUES =
	/(?<=--[^\s=]+[\s=]+)(["']?)([+-]?\d+[.,]\d{3})\1(?=\s|$)|(?<=[:[,]\s*)-?\d+\.\d{3}(?=\s*[,}\]])/g;

/** Why a line is not run, where it has a number that can be read in two ways: the REPL would take `1.000` for 1. */
export function ambiguousNumber(line: string): string | undefined {
	const [found] = /^\s*(call|dcall|bench|emit|broadcast)\s/.test(line) ? line.matchAll(VALUES) : [];
	return found && ambiguityMessage(found[2] ?? found[0]);
}

function printWithoutColours(): void {
	for (const stream of [process.stdout, process.stderr]) {
		const write = stream.write.bind(stream);
		stream.write = ((chunk: unknown, ...rest: never[]) =>
			write(
				(typeof chunk === "string" ? stripVTControlCharacters(chunk) : chunk) as string,
				...rest,
			)) as typeof write;
	}
}
