import { spawnSync } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import {
	type Command,
	cleanUp,
	client,
	commandOf,
	processesOf,
	type Request,
	readyAddress,
	run,
	signUp,
	until,
} from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { preparedFolder } from "./prepared-folder.ts";
import { connectTo } from "./traced-shop.ts";

const ADMIN = { ADMIN_PASSWORD: "rahasia-sekali" };
/** Runs a command on a terminal of 140 columns and 50 rows, and ends as it does. */
const ON_TERMINAL = [
	...["python3", "-c"],
	"import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
	...["sh", "-c", 'stty columns 140 rows 50; exec "$0" "$@"'],
];

let folder: string;
let request: Request;
let token: string;
let orders: { command: Command; pid: number };

beforeAll(async () => {
	folder = await preparedFolder();
	const shop = run(folder, ["start"], { ...ADMIN, SERVICES: "users products notifications api" });
	await shop.line(/^waiting for orders/);
	const command = run(folder, ["node", "orders"], ADMIN);
	await command.line(/^joined /);
	orders = { command, pid: Number(/-(\d+): orders$/m.exec(command.output())?.[1]) };
	request = client(await readyAddress(shop));
	token = await signUp(request, "gita");
});

afterAll(cleanUp);

async function status(...args: string[]) {
	const command = run(folder, ["status", ...args]);
	const code = await command.ended();
	return { code, output: command.output(), errors: command.errors() };
}

/** Repeats the command until its result is right: on a busy machine, a process may respond too late to be shown. */
async function statusThat(isRight: (seen: Awaited<ReturnType<typeof status>>) => boolean, ...args: string[]) {
	let seen = await status(...args);
	await until("the status", async () => {
		if (isRight(seen)) {
			return true;
		}
		seen = await status(...args);
		return isRight(seen);
	});
	return seen;
}

async function placeOrder() {
	const { body: products } = await request("GET", "/api/v1/products?limit=100");
	const { id } = products.find(({ stock }: { stock: number }) => stock > 1);
	const body = { items: [{ product_id: id, quantity: 1 }] };
	expect((await request("POST", "/api/v1/orders", { body, token })).status).toBe(201);
}

test("a pipe gets the nodes, actions, queues and readiness once, without control characters", async () => {
	await placeOrder();
	const { output } = await statusThat(
		({ code, output }) => code === 0 && !output.includes("does not respond"),
	);
	expect(output).toBe(stripVTControlCharacters(output));
	expect(output).toMatch(new RegExp(`^\\S+-${orders.pid} +orders +\\d+ +\\d+ +\\d+`, "m"));
	expect(output).toMatch(/delivery-worker/);
	expect(output).toMatch(/^v1\.orders\.place +0 +1 +0 +[\d.]+ *$/m);
	expect(output).toMatch(/^outbox +orders +\d/m);
	expect(output).toMatch(/^ready\s*$/m);
});

test("programs get all of it as JSON", async () => {
	const { output } = await statusThat(
		({ code, output }) =>
			code === 0 && JSON.parse(output).processes.every(({ state }: { state: string }) => state === "up"),
		"--json",
	);
	const { is_ready, unavailable, processes, actions, queues } = JSON.parse(output);
	expect({ is_ready, unavailable }).toEqual({ is_ready: true, unavailable: [] });
	expect(processes).toContainEqual({
		...{ id: expect.stringContaining(`-${orders.pid}`), process: "node", services: ["orders"], state: "up" },
		...{ cpu: expect.any(Number), event_loop_delay_ms: expect.any(Number) },
		...{ calls_per_second: expect.any(Number), cache_hits: null },
	});
	expect(actions).toContainEqual(
		expect.objectContaining({
			action: "v1.orders.place",
			since_start: { calls: 1, failed: 0, p99_ms: expect.any(Number) },
		}),
	);
	expect(queues.map(({ queue, of }: Record<string, string>) => `${queue} ${of}`)).toEqual(
		expect.arrayContaining(["outbox users", "inbox notifications", "jobs orders", "messages email"]),
	);
});

const hasTerminal = spawnSync("python3", ["-c", "import pty"]).status === 0;
if (hasTerminal) {
	test("a terminal gets it again and again until it is interrupted", async () => {
		const live = run(folder, ["status"], { TERM: "xterm" }, undefined, ON_TERMINAL);
		const shows = (text: string) => stripVTControlCharacters(live.output()).includes(text);
		await until("the first status", () => shows("ready"));
		expect(shows("v1.users.me ")).toBe(false);
		await request("GET", "/api/v1/users/me", { token });
		await until("a status with the new call", () => shows("v1.users.me "));
		const pid = processesOf(folder).find((one) => commandOf(one).includes("cli/status.ts")) as number;
		process.kill(pid, "SIGINT");
		expect(await live.ended()).toBe(0);
	});
} else {
	notRun("the live status", "there is no python3 with a terminal for it");
}

test("a database that does not respond is shown by a line, and nothing else is written", async () => {
	const database = await connectTo(folder, "orders");
	await database.query("BEGIN; LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE");
	try {
		const { code, errors } = await statusThat(({ output }) =>
			/^not ready: orders unavailable$/m.test(output),
		);
		expect(code).toBe(1);
		expect(errors.split("\n").filter((line) => !/^(NATS|PostgreSQL) |^$/.test(line))).toEqual([]);
	} finally {
		await database.end();
	}
});

test("a frozen node and the calls that it fails are shown; the exit code is 1", async () => {
	process.kill(orders.pid, "SIGSTOP");
	try {
		await until("failed calls", async () => {
			const answers = await Promise.all(
				Array.from({ length: 10 }, () => request("GET", "/api/v1/orders", { token })),
			);
			return answers.every(({ status }) => status >= 500);
		});
		const { code, output } = await statusThat(
			({ output }) => JSON.parse(output).unavailable.length === 1 && output.includes('"unresponsive"'),
			"--json",
		);
		expect(code).toBe(1);
		const { unavailable, processes, errors } = JSON.parse(output);
		expect(unavailable).toEqual([{ name: "orders", reason: null }]);
		expect(processes).toContainEqual(
			expect.objectContaining({
				id: expect.stringContaining(`-${orders.pid}`),
				state: "unresponsive",
				cpu: null,
			}),
		);
		expect(errors).toContainEqual({
			...{ source: "v1.orders.list", error: expect.stringMatching(/^[A-Z_]+$/) },
			...{ at: expect.stringMatching(/^20\d\d-/), node: expect.not.stringContaining(`-${orders.pid}`) },
		});
		await statusThat(({ output }) =>
			/^\S+ +\(does not respond\)(.|\n)*^not ready: orders unavailable$/m.test(output),
		);
	} finally {
		process.kill(orders.pid, "SIGCONT");
	}
});
