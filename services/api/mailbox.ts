import { readdir, readFile, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import PostalMime, { type Email } from "postal-mime";
import { settings } from "../../config/settings.ts";
import { problem } from "../../contracts/problems.ts";

/** Maximum number of mails listed. */
const SHOWN = 100;

/** Tells whether there is a mailbox: in development, if mails or text messages are not sent. */
export function hasMailbox(): boolean {
	return !settings.isProduction && !(settings.smtpUrl && settings.smsUrl);
}

/**
 * Allows only a browser on this machine, because the mailbox contains tokens that give access to accounts.
 *
 * @throws NOT_FOUND
 */
function checkIsLocal({ headers, socket }: IncomingMessage): void {
	const isLocal = /^(::1|127\.\d+\.\d+\.\d+|::ffff:127\.\d+\.\d+\.\d+)$/.test(socket.remoteAddress ?? "");
	// A page of another site may resolve its own name to this address (DNS rebinding).
	const isOurs = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(headers.host ?? "");
	if (!isLocal || !isOurs || headers["x-forwarded-for"] !== undefined) {
		throw problem("NOT_FOUND");
	}
}

/** Sends the list of messages, newest first. */
export async function mailboxPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
	checkIsLocal(request);
	const folder = join(settings.directory, "mailbox");
	const names = (await readdir(folder).catch(() => [])).filter((name) => /^[\w-]+\.eml$/.test(name));
	const files = await Promise.all(
		names.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
	);
	files.sort((a, b) => b.at - a.at);
	const rows = await Promise.all(
		files.slice(0, SHOWN).map(async ({ name, at }) => {
			const { subject, text, to } = await readMail(join(folder, name));
			const link = `/dev/mailbox/${name.replace(/\.eml$/, "")}`;
			return `<tr><td>${moment(at)}</td><td>${asHtml(addresses(to))}</td><td><a href="${link}">${asHtml(subject || text)}</a></td></tr>`;
		}),
	);
	const table = `<table><tr><th>at (UTC)</th><th>to</th><th>subject</th></tr>${rows.join("\n")}</table>`;
	send(response, "Mailbox", `<p>${names.length} messages, newest first.</p>${table}`);
}

/** Sends one mail: its HTML without scripts, as a mail program shows it, and its text. */
export async function mailPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
	checkIsLocal(request);
	const { name = "" } = (request as { $params?: { name?: string } }).$params ?? {};
	if (!/^[\w-]{1,200}$/.test(name)) {
		throw problem("NOT_FOUND");
	}
	const mail = await readMail(join(settings.directory, "mailbox", `${name}.eml`)).catch(() => {
		throw problem("NOT_FOUND");
	});
	send(
		response,
		mail.subject || "Text message",
		`<p><a href="/dev/mailbox">all messages</a></p>
<p>To ${asHtml(addresses(mail.to))}, ${moment(mail.date ?? 0)}, ${asHtml(mail.messageId)}</p>
${mail.html ? `<iframe sandbox srcdoc="${asHtml(mail.html)}" title="HTML"></iframe>` : ""}
<pre>${asHtml(mail.text)}</pre>`,
	);
}

async function readMail(file: string): Promise<Email> {
	return PostalMime.parse(await readFile(file));
}

/** Formats a time as `2026-11-23 23:41:10` in UTC. */
function moment(at: number | string): string {
	return new Date(at).toISOString().slice(0, 19).replace("T", " ");
}

function addresses(to: Email["to"]): string {
	return (to ?? []).map(({ address }) => address?.replace(/@sms\.invalid$/, "") ?? "").join(", ");
}

function send(response: ServerResponse, title: string, body: string): void {
	response.setHeader("Content-Type", "text/html; charset=utf-8");
	response.setHeader("Cache-Control", "no-store");
	response.setHeader(
		"Content-Security-Policy",
		"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
	);
	response.end(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${asHtml(title)}</title>
<style>
body { font-family: sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; }
td, th { text-align: left; vertical-align: top; padding: 0.3em 1em 0.3em 0; }
td:first-child { white-space: nowrap; }
iframe { width: 100%; height: 20em; border: 1px solid #ccc; }
pre { white-space: pre-wrap; border: 1px solid #ccc; padding: 1em; }
</style>
</head>
<body>
<h1>${asHtml(title)}</h1>
${body}
</body>
</html>
`);
}

function asHtml(text: string | undefined): string {
	return (text ?? "").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
