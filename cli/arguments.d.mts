/** Option values of each command that has options. */
export interface Values {
	import: {
		"dry-run"?: boolean;
		from?: string;
		numbers?: string;
		encoding?: string;
		"ignore-unknown"?: boolean;
	};
	export: { from?: string; to?: string; format?: string; output?: string; force?: boolean };
	mails: { type?: string; since?: string };
	products: { to?: string; from?: string };
	"rotate-keys": { revoke: boolean };
	status: { json?: boolean };
	audit: { repair?: boolean; "accept-restore"?: boolean; gently?: boolean };
	chaos: { minutes?: string; seed?: string; store?: string; mails?: string; rolling?: boolean };
	new: { remove?: boolean };
	pictures: { invoices?: boolean };
	model: { small?: boolean; steps?: boolean };
	bench: {
		shape?: string;
		rounds?: string;
		seconds?: string;
		sustained?: string;
		connections?: string;
		nat?: boolean;
		shop?: string[];
		profile?: boolean;
		out?: string;
		store?: string;
	};
}

/** An option of util.parseArgs, with its line in `--help`. */
export interface Option {
	type: "string" | "boolean";
	multiple?: boolean;
	note?: string;
}

export const commands: string[];
export function reference(command: string): {
	usage: [form: string, effect: string][];
	options: [name: string, option: Option][];
};
export function usage(command: string): string;
export function help(command: string): string;
export function asksForHelp(args: string[]): boolean;
export function checkArguments(command: string, args: string[]): void;
export function checkCheckout(command: string): void;
export function readArguments<Command extends string>(
	command: Command,
	args?: string[],
): { values: Command extends keyof Values ? Values[Command] : object; positionals: string[] };
