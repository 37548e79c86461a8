import { stripVTControlCharacters } from "node:util";
import type { ServiceBroker } from "moleculer";
import { ambiguityMessage } from "../../contracts/numbers.ts";
import type { Operator } from "./operator.ts";
import { operatorCommands } from "./operator-commands.ts";

/**
 * Opens Moleculer's REPL with Toko's commands. Lines run one after another, also when they come from a pipe. At the end
 * of the input, the process ends.
 */
export async function openRepl(broker: ServiceBroker, operator: Operator): Promise<void> {
	// Loaded only when needed: it uses Node's REPL, which loads domains, which then slow down every event of the process
	// a little.
	const { default: startRepl } = await import("moleculer-repl");
	const isTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
	if (!isTerminal) {
		printWithoutColours();
	}
	const logError = broker.logger.error.bind(broker.logger);
	broker.logger.error = (...args: unknown[]) => {
		// Of a line with too many arguments, whose usage has been printed already.
		if ((args[0] as { code?: unknown } | undefined)?.code !== "commander.excessArguments") {
			logError(...args);
		}
	};
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

/**
 * Returns the reason why a line with an ambiguous number is not run, or undefined: the REPL would read `1.000` as 1.
 */
export function ambiguousNumber(line: string): string | undefined {
	const [found] = /^\s*(call|dcall|bench|emit|broadcast|price|refund)\s/.test(line)
		? line.matchAll(VALUES)
		: [];
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
