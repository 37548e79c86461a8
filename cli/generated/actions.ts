import { allActions, type DeclaredAction } from "../../contracts/actions.ts";
import { type ActionContract, KEY_HEADER, type Rest, takesKey } from "../../contracts/contract.ts";
import { DOCUMENT_HEADERS } from "../../contracts/documents.ts";
import { DEADLINE_MS } from "../../middlewares/resilience.ts";
import { code, document, seconds, table, WRITTEN } from "./markdown.ts";
import { constraints, fieldTable, notation, Types } from "./types.ts";

const INTRODUCTION = `Every action of every service, from the contracts in \`contracts/\`.

- **Permission**: \`public\`, anybody; \`user\`, any signed-in person; \`admin\`, admins; \`service\`, only the services of Toko.
- **REST**: the method and address under which the gateway offers the action, and the status of its response.
- **Idempotent**: whether a failed call can be repeated safely. "With a key" means only with an \`Idempotency-Key\`.
- **Deadline**: for the call and all calls below it; after that it fails.
- **Cache**: the time for which callers may reuse a response.
- **Errors**: the codes specific to the action. [errors.md](errors.md) describes these, and those that any call may return.

A result with \`items\` and \`next\` is a page. Over REST the response is its items, and its Link header has the cursor \`next\`.

Types are in the notation of TypeScript. \`integer\` is a whole number; \`uuid\`, \`date-time\`, \`email\` and \`uri\` are strings
in these formats of JSON Schema. Types with a name are described [at the end](#types).`;

/** Generates docs/reference/actions.md from the contracts of the actions. */
export function actionsReference(): string {
	const types = new Types();
	const services = Map.groupBy(allActions(), ([, { of }]) => of.name);
	const sections = [...services].flatMap(([service, actions]) => [
		`## ${service}`,
		...actions.flatMap(([name, action]) => actionBlocks(name, action, types)),
	]);
	return document(
		WRITTEN,
		"# Actions",
		INTRODUCTION,
		...sections,
		"## Types",
		...types.named.flatMap(([name, schema]) => [
			`### ${name}`,
			schema.properties ? fieldTable(schema) : code(notation(schema)),
		]),
	);
}

function actionBlocks(name: string, { contract, of }: DeclaredAction, types: Types): string[] {
	const { permissions, timeout_ms, cached, problems = [], summary } = contract;
	const facts = [
		["Permission", code(permissions)],
		["REST", contract.rest ? address(contract.rest, of.version) : "none"],
		["Idempotent", idempotency(contract)],
		["Deadline", seconds(timeout_ms ?? DEADLINE_MS)],
		["Cache", cached ? seconds(cached.fresh_ms) : "none"],
		["Result", code(notation(types.read(contract.result, "output")))],
		["Errors", problems.map(code).join(", ") || "none"],
	];
	return [
		`### ${name}`,
		`${summary}.`,
		facts.map(([fact, value]) => `- **${fact}**: ${value}`).join("\n"),
		parameters(contract, types),
	];
}

function address(rest: Rest, version: number): string {
	const { method, path, status = 200, isAccepted, isFound, outermost } = rest;
	const prefix = outermost ? "" : `/api/v${version}`;
	const others = `${isFound ? " or 200" : ""}${isAccepted ? " or 202" : ""}`;
	return `${code(`${method} ${prefix}${path}`)}, ${status}${others}`;
}

function idempotency(contract: ActionContract): string {
	if (contract.idempotent === true) {
		return "yes";
	}
	return contract.idempotent || takesKey(contract) ? "with a key" : "no";
}

function parameters({ params, rest }: ActionContract, types: Types): string {
	const { properties = {}, required = [] } = types.read(params, "input");
	const rows = Object.entries(properties).map(([name, schema]) => [
		code(name),
		...(rest ? [placeOf(name, rest)] : []),
		code(rest?.raw?.param === name ? notation(types.read(rest.raw.body, "input")) : notation(schema)),
		required.includes(name) ? "yes" : "no",
		constraints(schema),
	]);
	const header = ["parameter", ...(rest ? ["in"] : []), "type", "required", "constraints"];
	return rows.length === 0 ? "" : table(header, rows);
}

function placeOf(name: string, { method, path, query, headers = {}, raw, isDocument }: Rest): string {
	const header = Object.keys(headers).find((one) => headers[one] === name);
	if (header) {
		return `header ${code(header === KEY_HEADER ? "Idempotency-Key" : header)}`;
	}
	if (path.split("/").includes(`:${name}`)) {
		return "path";
	}
	if (isDocument && name in DOCUMENT_HEADERS) {
		return `header ${DOCUMENT_HEADERS[name as keyof typeof DOCUMENT_HEADERS]}`;
	}
	const isInBody = method !== "GET" && method !== "DELETE" && !query?.includes(name);
	return isInBody ? (raw?.param === name ? "whole body" : "body") : "query";
}
