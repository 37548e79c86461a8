import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { cleanUp, client, newFolder, run, signUp, until } from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

const repository = resolve(import.meta.dirname, "../..");
const LEFT_OUT = ["node_modules", ".toko", ".git"];

/** A copy of this tree, in which a service is made and removed. */
const copy = newFolder();
let folder: string;
let before: Record<string, string>;

beforeAll(async () => {
	folder = await preparedFolder();
	const kept = (await readdir(repository)).filter((name) => !LEFT_OUT.includes(name));
	await Promise.all(kept.map((name) => cp(join(repository, name), join(copy, name), { recursive: true })));
	await symlink(join(repository, "node_modules"), join(copy, "node_modules"));
	before = await tree();
});

afterAll(cleanUp);

/** Every file of the copy, with a digest of what is in it. */
async function tree(): Promise<Record<string, string>> {
	const entries = await readdir(copy, { recursive: true, withFileTypes: true });
	const files = entries
		.filter((entry) => entry.isFile())
		.map(({ parentPath, name }) => join(parentPath, name))
		.filter((file) => !LEFT_OUT.some((name) => file.startsWith(join(copy, name))));
	const digests = files.map(async (file) => {
		const digest = createHash("sha256").update(await readFile(file));
		return [file.slice(copy.length + 1), digest.digest("hex")] as const;
	});
	return Object.fromEntries(await Promise.all(digests));
}

/** Replaces text in a file of the copy. */
async function change(file: string, changes: [from: string, to: string][]): Promise<void> {
	let text = await readFile(join(copy, file), "utf8");
	for (const [from, to] of changes) {
		expect(text).toContain(from);
		text = text.replace(from, to);
	}
	await writeFile(join(copy, file), text);
}

/** Lets the service publish an event, without a change elsewhere. Returns a function that takes it back. */
async function withEvent(): Promise<() => Promise<unknown>> {
	const files = ["contracts/reviews.ts", "services/reviews/reviews.service.ts"];
	const made = await Promise.all(files.map((file) => readFile(join(copy, file), "utf8")));
	const published = `publishes: {
		aggregate: "review",
		events: {
			"review.created": event({ summary: "Written", version: 1, data: z.strictObject({ user_id: integerId }) }),
		},
	},`;
	await change("contracts/reviews.ts", [
		["import { action, contract,", "import { action, contract, event,"],
		["import { limit,", "import { integerId, limit,"],
		["\tactions: {\n", `\t${published}\n\tactions: {\n`],
	]);
	await change("services/reviews/reviews.service.ts", [
		[
			"import { type StoredService",
			'import { publish } from "../../mixins/outbox.ts";\nimport { type StoredService',
		],
		[
			"const { user_id } = ctx.params;",
			`const { user_id } = ctx.params;
			await this.transaction((client) => publish(client, "review.created", \`review:\${user_id}\`, { user_id }));`,
		],
	]);
	return () => Promise.all(files.map((file, index) => writeFile(join(copy, file), made[index] as string)));
}

/** Runs something in the copy. */
function inCopy(args: string[], environment: Record<string, string> = {}) {
	return run(folder, args, environment, undefined, ["sh", "-c", 'cd "$0" && exec "$@"', copy]);
}

async function result(args: string[], environment: Record<string, string> = {}) {
	const command = inCopy(args, environment);
	return { code: await command.ended(), output: command.output(), errors: command.errors() };
}

/** Runs a program of the development packages in the copy; rejects with what it has printed. */
function check(program: string, ...args: string[]) {
	// With larger young generations, the compiler needs a fifth less processor time.
	const options = ["--max-semi-space-size=128", join("node_modules", program), ...args];
	return promisify(execFile)(process.execPath, options, { cwd: copy });
}

test("one command makes a service that works at once; everything else is derived from its contract", async () => {
	const made = await result(["new", "reviews"]);
	expect(made).toMatchObject({ code: 0, output: expect.stringContaining("npm test -- integration/reviews") });
	await check("@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".");
	const restore = await withEvent();
	await check("typescript/bin/tsc", "--noEmit");
	await restore();

	const with_it = await tree();
	for (const name of ["reviews", "orders", "Reviews", "class", "text"]) {
		expect({ name, ...(await result(["new", name])) }).toMatchObject({ name, code: 1 });
	}
	expect(await tree()).toEqual(with_it);

	const needed = await result(["start"], { NODE_ENV: "production", SERVICES: "reviews" });
	expect(needed.errors).toMatch(/set NATS_URL, TOKO_SECRET, POSTGRES_URL$/m);

	const shop = inCopy(["start"]);
	const request = client((await shop.line(/^ready /)).slice("ready ".length).trim());
	expect(await request("GET", "/api/v1/reviews")).toEqual({ status: 200, body: [] });
	expect(await request("GET", "/health/review")).toMatchObject({ status: 200, body: { status: "healthy" } });
	await until("the service to be healthy", async () => {
		return (await request("GET", "/health/ready")).body.services?.reviews === "healthy";
	});
	const { tags, paths } = (await request("GET", "/openapi.json")).body;
	expect(tags).toContainEqual({ name: "reviews", description: "Reviews of users" });
	expect(Object.keys(paths)).toEqual(expect.arrayContaining(["/api/v1/reviews", "/health/review"]));

	const token = await signUp(request, "budi");
	const body = { text: "Kopi yang enak" };
	expect((await request("POST", "/api/v1/reviews", { body })).status).toBe(401);
	const created = await request("POST", "/api/v1/reviews", { body, token, key: "budi-1" });
	expect(created).toMatchObject({ status: 201, body });
	expect(await request("POST", "/api/v1/reviews", { body, token, key: "budi-1" })).toEqual(created);
	expect((await request("GET", "/api/v1/reviews")).body).toEqual([created.body]);
	await until("a good status", async () => (await result(["status"])).code === 0);

	const { id } = (await request("GET", "/api/v1/users/me", { token })).body;
	expect((await request("DELETE", `/api/v1/users/${id}`, { token })).status).toBe(204);
	await until("the service to have forgotten the user", async () => {
		return (await request("GET", "/api/v1/reviews")).body.length === 0;
	});
	const audit = await result(["audit"]);
	expect(audit.output).toMatch(/^the moments of reviews are past /m);
	expect(audit.output).toMatch(/^a deleted user is erased everywhere +1 /m);
	expect({ code: audit.code, output: audit.output }).toMatchObject({ code: 0 });

	shop.child.kill("SIGTERM");
	expect(await shop.ended()).toBe(0);
}, 900_000);

test("removing it leaves the tree as it was", async () => {
	expect(await result(["new", "--remove", "orders"])).toMatchObject({ code: 1 });
	const audit = "services/reviews/audit.ts";
	await change(audit, [["the moments", "the times"]]);
	const paths = "services/reviews/, contracts/reviews.ts, test/integration/reviews.test.ts by hand";
	expect(await result(["new", "--remove", "reviews"])).toMatchObject({
		code: 1,
		errors: expect.stringContaining(`toko: ${audit} was changed since \`npm run new\`: delete ${paths}`),
	});
	await change(audit, [["the times", "the moments"]]);
	expect(await result(["new", "--remove", "reviews"])).toMatchObject({ code: 0 });
	expect(await tree()).toEqual(before);
});
