import { randomUUID } from "node:crypto";
import { stripVTControlCharacters } from "node:util";
import type { CallingOptions, Middleware, ServiceBroker } from "moleculer";
import { type ActionName, callAction, type Meta, withKey } from "../../contracts/actions.ts";
import { ambiguityMessage } from "../../contracts/numbers.ts";
import { operatorCommands } from "./operator-commands.ts";

/** The person at the REPL, and whom they act as: nobody, until they say `as <e-mail>`. */
export class Operator {
	acts_as: { email: string; role: string } | undefined;
	#token: string | undefined;
	#broker: ServiceBroker | undefined;

	/**
	 * Gives the calls that are typed at the REPL the token of whom the operator acts as, and a key, with which they are
	 * tried again where they fail in passing.
	 */
	middleware: Middleware = {
		name: "Operator",
		call: (next) =>
			((name: string, params: object, options: CallingOptions = {}) => {
				const given = options.meta as (Meta & { $repl?: boolean }) | undefined;
				const meta = given?.$repl
					? { ...withKey(name as ActionName, randomUUID()).meta, token: this.#token, ...given }
					: given;
				return next.call(this.#broker as ServiceBroker, name, params, { ...options, meta } as never);
			}) as never,
	};

	attach(broker: ServiceBroker): void {
		this.#broker = broker;
	}

	/** From now on calls are made as this user; without an address, as nobody. */
	async actAs(email: string | undefined): Promise<void> {
		if (!email) {
			this.acts_as = undefined;
			this.#token = undefined;
			return;
		}
		const { user, access_token } = await callAction(this.#broker as ServiceBroker, "v1.users.impersonate", {
			email,
		});
		this.acts_as = user;
		this.#token = access_token;
	}
}

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
