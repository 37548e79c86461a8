import { connect, type Socket } from "node:net";
import type { Pool } from "pg";

const BATCH = 200;
const CONNECTIONS = 5;
const POLL_MS = 500;

interface Mail {
	id: string;
	email: string;
	full_name: string;
	type: string;
	number: string;
	total: string;
}

/**
 * Sends queued mails. One statement leases a batch, which is sent over persistent connections; another marks it as
 * sent.
 *
 * @returns A function that wakes the sender for newly queued mails.
 */
export function sendMails(pool: Pool, smtp: URL): () => void {
	const servers = Array.from({ length: CONNECTIONS }, () => new SmtpConnection(smtp));
	let isAwake = false;
	let isWokenAgain = false;
	const wake = () => {
		if (isAwake) {
			isWokenAgain = true;
			return;
		}
		isAwake = true;
		sendAll()
			.catch((error) => console.error(error))
			.finally(() => {
				isAwake = false;
				if (isWokenAgain) {
					isWokenAgain = false;
					wake();
				}
			});
	};
	setInterval(wake, POLL_MS);
	return wake;

	async function sendAll(): Promise<void> {
		for (let sent = BATCH; sent === BATCH; ) {
			const { rows } = await pool.query<Mail>({
				name: "lease",
				text: `UPDATE mails SET status = 'sending' FROM users WHERE users.id = mails.user_id AND mails.id IN (
						SELECT id FROM mails WHERE status = 'queued' ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
					) RETURNING mails.id, email, full_name, type, number, total`,
			});
			const waiting = [...rows];
			const send = async (server: SmtpConnection) => {
				for (let mail = waiting.pop(); mail !== undefined; mail = waiting.pop()) {
					await server.send(mail.email, text(mail));
				}
			};
			await Promise.all(servers.map(send));
			if (rows.length > 0) {
				const ids = rows.map(({ id }) => id);
				await pool.query({
					name: "sent",
					text: "UPDATE mails SET status = 'sent' WHERE id = ANY($1)",
					values: [ids],
				});
			}
			sent = rows.length;
		}
	}
}

function text({ id, email, full_name, type, number, total }: Mail): string {
	const subject =
		type === "order_paid" ? `Pembayaran Order #${number} diterima` : `Konfirmasi Order #${number}`;
	const said = `${type === "order_paid" ? "pembayaran" : "order"} #${number}, Rp ${total}, sudah kami terima.`;
	const head = [
		...["From: Toko <toko@toko.test>", `To: ${email}`, `Subject: ${subject}`, `Message-ID: <${id}@toko>`],
		...[`Date: ${new Date().toUTCString()}`, "MIME-Version: 1.0"],
		'Content-Type: multipart/alternative; boundary="--part"',
	];
	const part = (kind: string, body: string) =>
		`----part\r\nContent-Type: text/${kind}; charset=utf-8\r\n\r\n${body}\r\n`;
	const html =
		`<!doctype html>\r\n<html lang="id">\r\n<head>\r\n<meta charset="utf-8">\r\n<title>${subject}</title>\r\n</head>\r\n` +
		'<body style="margin: 0 auto; max-width: 36em; padding: 1.5em; font-family: sans-serif; line-height: 1.5">\r\n' +
		`<p>Halo ${full_name},</p>\r\n<p>${said}</p>\r\n<p style="color: #666">Toko</p>\r\n</body>\r\n</html>`;
	const plain = `Halo ${full_name},\r\n\r\n${said}\r\n\r\nToko`;
	return `${head.join("\r\n")}\r\n\r\n${part("plain", plain)}${part("html", html)}----part--`;
}

/** A persistent SMTP connection that sends mails one at a time with pipelined commands. */
class SmtpConnection {
	#url: URL;
	#socket: Socket | undefined;
	#received = "";
	#waiting: { replies: number; resolve(): void; reject(error: Error): void } | undefined;

	constructor(url: URL) {
		this.#url = url;
	}

	async send(to: string, mail: string): Promise<void> {
		this.#socket ??= await this.#open();
		await this.#command(`MAIL FROM:<toko@toko.test>\r\nRCPT TO:<${to}>\r\nDATA\r\n`, 3);
		await this.#command(`${mail}\r\n.\r\n`, 1);
	}

	async #open(): Promise<Socket> {
		const socket = connect({ host: this.#url.hostname, port: Number(this.#url.port), noDelay: true });
		socket.setEncoding("latin1");
		socket.on("data", (chunk: string) => this.#receive(chunk));
		socket.on("error", (error) => this.#lose(error));
		socket.on("close", () => this.#lose(new Error("the mail server hung up")));
		this.#socket = socket;
		await this.#command("", 1);
		await this.#command("EHLO limit\r\n", 1);
		return socket;
	}

	#command(command: string, replies: number): Promise<void> {
		return new Promise((resolve, reject) => {
			this.#waiting = { replies, resolve, reject };
			if (command !== "") {
				this.#socket?.write(command);
			}
		});
	}

	#receive(chunk: string): void {
		this.#received += chunk;
		for (let end = this.#received.indexOf("\r\n"); end !== -1; end = this.#received.indexOf("\r\n")) {
			const line = this.#received.slice(0, end);
			this.#received = this.#received.slice(end + 2);
			const waiting = this.#waiting;
			// A line such as `250-PIPELINING` continues on the next line.
			if (waiting === undefined || line[3] === "-") {
				continue;
			}
			if (line[0] !== "2" && line[0] !== "3") {
				waiting.reject(new Error(line));
			} else if (--waiting.replies === 0) {
				this.#waiting = undefined;
				waiting.resolve();
			}
		}
	}

	#lose(error: Error): void {
		this.#socket = undefined;
		this.#received = "";
		this.#waiting?.reject(error);
	}
}
