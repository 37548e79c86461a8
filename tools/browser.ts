import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { inheritedVariables } from "../config/environment.ts";
import { settings } from "../config/settings.ts";
import { findProgram } from "../infra/programs.ts";

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];
const TIMEOUT_MS = 60_000;

/** Advice for the line that says that there is no browser. */
export const NEEDS_BROWSER = "there is no Chromium: apt-get install chromium";

/** Returns the path of Chromium; undefined if none is installed. */
export async function findBrowser(): Promise<string | undefined> {
	for (const name of PROGRAMS) {
		const found = await findProgram(name, settings.directory);
		if (found) {
			return found.path;
		}
	}
	return undefined;
}

interface Message {
	id?: number;
	method?: string;
	params?: Record<string, unknown>;
	// biome-ignore lint/suspicious/noExplicitAny: the protocol has hundreds of results.
	result?: any;
	error?: { message: string };
}

/**
 * A headless Chromium with one page, by the Chrome DevTools Protocol over pipes
 * (https://chromedevtools.github.io/devtools-protocol/), so that it listens on no port.
 */
export class Browser {
	readonly #child: ChildProcess;
	readonly #profile = mkdtempSync(join(tmpdir(), "toko-browser-"));
	readonly #exit: Promise<void>;
	readonly #answers = new Map<number, (message: Message) => void>();
	readonly #events: { method: string; params: Record<string, unknown> }[] = [];
	#session: string | undefined;
	#sent = 0;
	#received = "";

	private constructor(program: string) {
		const profile = this.#profile;
		this.#child = spawn(
			program,
			[
				...["--headless=new", "--remote-debugging-pipe", `--user-data-dir=${profile}`],
				...["--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"],
				// Chromium refuses its sandbox to root, as in containers.
				...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
			],
			{ env: inheritedVariables(), stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
		);
		this.#exit = new Promise((done) => this.#child.once("close", () => done()));
		(this.#child.stdio[4] as Readable).setEncoding("utf8").on("data", (text) => this.#read(text));
	}

	/** Starts a browser with an empty page. */
	static async open(program: string): Promise<Browser> {
		const browser = new Browser(program);
		const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
		const attached = await browser.send("Target.attachToTarget", { targetId, flatten: true });
		browser.#session = attached.sessionId;
		for (const domain of ["Page", "Network", "Log", "Runtime"]) {
			await browser.send(`${domain}.enable`);
		}
		return browser;
	}

	async close(): Promise<void> {
		this.#child.kill("SIGKILL");
		await this.#exit;
		rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
	}

	/** Loads a page with these headers, and waits until it has loaded. */
	async load(url: string, headers: Record<string, string>): Promise<void> {
		this.#events.length = 0;
		await this.send("Network.setExtraHTTPHeaders", { headers });
		const { errorText } = await this.send("Page.navigate", { url });
		if (errorText) {
			throw new Error(`${url}: ${errorText}`);
		}
		await this.#wait(`${url} to load`, () => this.events("Page.loadEventFired").length > 0);
	}

	/** Returns the parameters of all events of this name since the last page was loaded. */
	events(method: string): Record<string, unknown>[] {
		return this.#events.filter((event) => event.method === method).map(({ params }) => params);
	}

	/** Returns the value of a JavaScript expression in the page. */
	async evaluate(expression: string): Promise<unknown> {
		const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
			...{ expression, returnByValue: true, awaitPromise: true },
		});
		if (exceptionDetails) {
			throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
		}
		return result.value;
	}

	/** Returns a picture of the whole page, this wide, as PNG. */
	async picture(width: number): Promise<Buffer> {
		const metrics = { width, height: 100, deviceScaleFactor: 1, mobile: false };
		await this.send("Emulation.setDeviceMetricsOverride", metrics);
		const height = (await this.evaluate("document.documentElement.scrollHeight")) as number;
		await this.send("Emulation.setDeviceMetricsOverride", { ...metrics, height });
		const { data } = await this.send("Page.captureScreenshot", { format: "png" });
		return Buffer.from(data, "base64");
	}

	/** Sends a command. Returns its result. */
	// biome-ignore lint/suspicious/noExplicitAny: the protocol has hundreds of results.
	async send(method: string, params: Record<string, unknown> = {}): Promise<any> {
		this.#sent += 1;
		const id = this.#sent;
		const session = this.#session === undefined ? {} : { sessionId: this.#session };
		let answer: Message | undefined;
		this.#answers.set(id, (message) => {
			answer = message;
		});
		(this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, ...session })}\0`);
		await this.#wait(method, () => answer !== undefined);
		if (answer?.error) {
			throw new Error(`${method}: ${answer.error.message}`);
		}
		return answer?.result;
	}

	#read(text: string): void {
		const messages = `${this.#received}${text}`.split("\0");
		this.#received = messages.pop() as string;
		for (const message of messages.map((each) => JSON.parse(each) as Message)) {
			if (message.id !== undefined) {
				this.#answers.get(message.id)?.(message);
				this.#answers.delete(message.id);
			} else if (message.method !== undefined) {
				this.#events.push({ method: message.method, params: message.params ?? {} });
			}
		}
	}

	async #wait(what: string, isDone: () => boolean): Promise<void> {
		const deadline = Date.now() + TIMEOUT_MS;
		while (!isDone()) {
			if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
				throw new Error(`the browser ended before ${what}`);
			}
			if (Date.now() > deadline) {
				throw new Error(`waited ${TIMEOUT_MS} ms in vain for ${what}`);
			}
			await new Promise((wake) => setTimeout(wake, 5));
		}
	}
}
