import { execFileSync, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { StartError } from "./start-error.ts";

/** The user that runs a program, other than root: `prefix` goes before the command, uid and gid to spawn(). */
export interface RunAs {
	uid?: number;
	gid?: number;
	/** The owner that its files must have, if that is not the current user. */
	owner?: { uid: number; gid: number };
	prefix: string[];
}

/** The current user, unchanged. */
const OWN_USER: RunAs = { prefix: [] };

/**
 * Returns the user to run PostgreSQL as, which refuses to run as root: the owner of its data, else the user `postgres`,
 * else `nobody`. If that user cannot traverse the folders above the program or the data (a repository below /root, a
 * TOKO_DIR from mktemp -d), setpriv gives it the capability to do so.
 *
 * @param probe A program that must start as this user, with arguments that make it exit at once.
 */
export function otherThanRoot(data: string, parent: string, probe: string[]): RunAs {
	if (process.getuid?.() !== 0) {
		return OWN_USER;
	}
	const user = ownerOf(data) ?? accountOf("postgres") ?? accountOf("nobody") ?? { uid: 65534, gid: 65534 };
	const direct = { ...user, owner: user, prefix: [] };
	const reaches = runs(direct, probe) && runs(direct, ["/bin/sh", "-c", 'test -x "$1"', "sh", parent]);
	if (reaches) {
		return direct;
	}
	// initdb uses access(2), which ignores capabilities of users other than root, unless no_setuid_fixup is set.
	const prefix = [
		"setpriv",
		`--reuid=${user.uid}`,
		`--regid=${user.gid}`,
		"--clear-groups",
		"--securebits=+no_setuid_fixup",
		"--inh-caps=-all,+dac_override",
		"--ambient-caps=-all,+dac_override",
		"--",
	];
	const passing = { owner: user, prefix };
	if (runs(passing, probe)) {
		return passing;
	}
	throw new StartError(
		`PostgreSQL does not run as root, and user ${user.uid} cannot read ${parent} and ${probe[0]}: ` +
			"start Toko as an ordinary user, or from a folder that everybody may enter (chmod o+x), or set POSTGRES_URL",
	);
}

/** Returns the command line that runs a program as that user. */
export function commandFor(runAs: RunAs, file: string, args: string[]): { file: string; args: string[] } {
	const [first, ...rest] = [...runAs.prefix, file, ...args];
	return { file: first as string, args: rest };
}

function runs(runAs: RunAs, [file, ...args]: string[]): boolean {
	const command = commandFor(runAs, file as string, args);
	const { uid, gid } = runAs;
	const result = spawnSync(command.file, command.args, {
		uid,
		gid,
		cwd: "/",
		stdio: "ignore",
		timeout: 10_000,
	});
	return result.status === 0;
}

function ownerOf(path: string): { uid: number; gid: number } | undefined {
	const found = statSync(path, { throwIfNoEntry: false });
	return found === undefined || found.uid === 0 ? undefined : { uid: found.uid, gid: found.gid };
}

function accountOf(name: string): { uid: number; gid: number } | undefined {
	try {
		const id = (option: string) =>
			Number(execFileSync("id", [option, name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
		return { uid: id("-u"), gid: id("-g") };
	} catch {
		return undefined;
	}
}
