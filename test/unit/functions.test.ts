import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "@jest/globals";
import { functionFiles } from "../../database/migrations.ts";

const repository = resolve(import.meta.dirname, "../..");
const folders = globSync("{services,events}/**/functions/**/version.json", { cwd: repository }).map((file) =>
	pathToFileURL(`${resolve(repository, file, "../")}/`),
);
const named = folders.map((folder) => [folder.pathname.slice(repository.length + 1), folder] as const);
/** Functions that an index or a migration needs. */
const IN_MIGRATIONS = ["drop_earlier_job", "fold", "take_over_text"];

const definitions = (sql: string) =>
	[...sql.matchAll(/^CREATE (?:OR REPLACE )?FUNCTION (\w+)/gm)].map(([, name]) => name);

test("there are functions", () => {
	expect(folders.length).toBeGreaterThanOrEqual(4);
});

test.each(named)("%s has a version that grows with each change of its functions", async (_, folder) => {
	const hash = createHash("sha256");
	for (const file of await functionFiles(folder)) {
		hash.update(await readFile(file));
	}
	const { version, sha256 } = JSON.parse(await readFile(new URL("version.json", folder), "utf8"));
	expect(Number.isInteger(version) && version >= 1).toBe(true);
	// If this fails, increment `version`, and copy the received sum into version.json.
	expect(hash.digest("hex")).toBe(sha256);
});

test.each(named)("each file in %s defines the function of its name", async (_, folder) => {
	for (const file of await functionFiles(folder)) {
		expect(definitions(await readFile(file, "utf8"))).toEqual([basename(file.pathname, ".sql")]);
	}
});

test("migrations define no others", () => {
	const migrations = globSync(["services/*/migrations/*.sql", "events/tables/*.sql"], { cwd: repository });
	const found = migrations.flatMap((file) => definitions(readFileSync(resolve(repository, file), "utf8")));
	expect(found.sort()).toEqual(IN_MIGRATIONS);
});
