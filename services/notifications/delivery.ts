import type { ChildProcess } from "node:child_process";
import { childEnvironment, settings } from "../../config/settings.ts";
import { isRunning, startProgram } from "../../processes/child.ts";
import { type Exit, Supervised } from "../../processes/supervised.ts";
import { type ChannelName, Interrupted, type Message, Refused } from "./channel.ts";
import {
	type DeliveryRequest,
	DRAIN_MS,
	type Outcome,
	PING,
	PING_EVERY_MS,
	type WorkerMessage,
} from "./delivery-protocol.ts";

/** Errors by the outcome of a message that was not sent. */
const ERRORS = { refused: Refused, failed: Error, interrupted: Interrupted };
const WORKER = "services/notifications/delivery-worker.ts";
const EXITED = "the delivery worker has exited";
/** Messages wait, so the pause does not grow. */
const BACKOFF = { first_ms: 500, longest_ms: 500, settled_ms: 0 };
/** Number of consecutive unanswered pings at which the service becomes unavailable. */
const SILENT_PINGS = 4;
/**
 * Number of consecutive unanswered pings at which the worker is considered frozen and killed. Counted instead of timed,
 * since this process may have been frozen itself.
 */
const DEAD_PINGS = 10;
/** Time limit for the worker to exit after it was disconnected; then it is considered frozen. */
const EXIT_MAX_MS = DRAIN_MS + 1000;
/** Replaces DEAD_PINGS until the worker has loaded its program, because it does not respond before. */
const STARTING_PINGS = 60;

/**
 * Sends messages by a worker process, which outlives this process for as long as it takes to finish: see
 * `delivery-worker.ts`. If the worker exits or freezes, another one is started; its messages in flight fail, and are
 * sent again.
 */
export class DeliveryProcess {
	#process = new Supervised(
		() => this.#spawn(),
		BACKOFF,
		(exit) => this.#onExit(exit),
	);
	#lastRequest = 0;
	#waiting = new Map<number, { resolve(): void; reject(error: Error): void }>();
	#isStarted = false;
	/** True from the loss of a worker until the next one responds. */
	#isLost = false;
	/** Number of pings since the worker's last message. */
	#unanswered = 0;
	/** Last logged reason why a worker could not be started. */
	#failedStart: string | undefined;
	#pinging: NodeJS.Timeout;
	#warn: (line: string) => void;
	#onMetrics: (port: number | undefined) => void;
	#lease: number | undefined;
	/** Called when there is a lease, or a new one. */
	onReady: () => void = () => undefined;

	/**
	 * @param warn Logs one line for the operator.
	 * @param onMetrics Called with the port where the current worker serves its metrics; undefined if it has exited.
	 */
	constructor(
		warn: (line: string) => void = () => undefined,
		onMetrics: (port: number | undefined) => void = () => undefined,
	) {
		this.#warn = warn;
		this.#onMetrics = onMetrics;
		this.#process.start();
		this.#pinging = setInterval(() => this.#ping(), PING_EVERY_MS).unref();
	}

	/** Pid of the current worker. */
	get pid(): number | undefined {
		return this.#process.child?.pid;
	}

	/** The lease under which the worker takes messages; undefined until it has one. */
	get lease(): number | undefined {
		return this.#lease;
	}

	/**
	 * True if messages can be sent, which requires that the worker responds. The first worker counts as responding while
	 * it starts.
	 */
	get isResponsive(): boolean {
		return !this.#isLost && (this.#unanswered < SILENT_PINGS || !this.#isStarted);
	}

	/**
	 * Sends a message and marks it as sent.
	 *
	 * @param lease The lease under which it was taken from the queue.
	 * @param traceparent Trace context of the consumer that has queued it.
	 * @throws Refused if a retry is useless; Interrupted if the attempt failed within Toko; others may be transient.
	 */
	send(lease: number, channel: ChannelName, message: Message, traceparent?: string): Promise<void> {
		return new Promise((resolve, reject) => {
			const request_id = ++this.#lastRequest;
			const request: DeliveryRequest = { request_id, lease, channel, message, traceparent };
			this.#waiting.set(request_id, { resolve, reject });
			const fail = () => this.#settle({ request_id, is: "interrupted", reason: EXITED });
			const { child } = this.#process;
			if (child?.connected) {
				child.send(request, (error) => error && fail());
			} else {
				fail();
			}
		});
	}

	/** Stops the worker, after it has finished the messages in flight or a time limit. */
	async close(): Promise<void> {
		const { isResponsive } = this;
		const { child } = this.#process;
		clearInterval(this.#pinging);
		await this.#process.stop(EXIT_MAX_MS, () => {
			if (!isResponsive) {
				child?.kill("SIGKILL");
			} else if (child?.connected) {
				child.disconnect();
			}
		});
		this.#onLost();
	}

	#spawn(): ChildProcess {
		const child = startProgram([WORKER], childEnvironment({ METRICS_PORT: metricsPort() }), "inherit");
		child.on("message", (message: WorkerMessage) => {
			this.#isStarted = true;
			this.#failedStart = undefined;
			this.#isLost = false;
			this.#unanswered = 0;
			if (message === PING) {
				return;
			}
			if ("lease" in message) {
				this.#lease = message.lease;
				this.onReady();
			} else if ("metrics_port" in message) {
				this.#onMetrics(message.metrics_port);
			} else if ("warning" in message) {
				this.#warn(message.warning);
			} else {
				this.#settle(message);
			}
		});
		return child;
	}

	#onExit({ how, hasStarted }: Exit): void {
		// Logged once, because starting is retried.
		if (!hasStarted && this.#failedStart !== how) {
			this.#failedStart = how;
			this.#warn(`The delivery worker could not be started: ${how}`);
		}
		this.#onLost();
	}

	#onLost(): void {
		this.#isStarted = false;
		this.#isLost = true;
		this.#onMetrics(undefined);
		this.#unanswered = 0;
		this.#lease = undefined;
		for (const request_id of this.#waiting.keys()) {
			this.#settle({ request_id, is: "interrupted", reason: EXITED });
		}
	}

	#ping(): void {
		const { child } = this.#process;
		if (!child) {
			return;
		}
		if (this.#unanswered >= (this.#isStarted ? DEAD_PINGS : STARTING_PINGS)) {
			this.#unanswered = 0;
			this.#isLost = true;
			this.#warn(`The delivery worker (${child.pid}) does not respond: starting another one`);
			// Only SIGKILL ends a stopped process.
			child.kill("SIGKILL");
		} else if (isRunning(child)) {
			this.#unanswered++;
			if (child.connected) {
				child.send(PING, () => undefined);
			}
		}
	}

	#settle({ request_id, is, reason }: Outcome): void {
		const waiting = this.#waiting.get(request_id);
		this.#waiting.delete(request_id);
		if (is === "sent") {
			waiting?.resolve();
		} else {
			waiting?.reject(new ERRORS[is](reason));
		}
	}
}

/** Returns the worker's METRICS_PORT: the one after that of its service, so that a firewall can name both. */
function metricsPort(): string {
	const { metricsPort: port } = settings;
	return port === undefined ? "off" : String(port === 0 || port === 65_535 ? 0 : port + 1);
}

/** Tells whether the channel is configured. */
export function hasChannel(channel: ChannelName): boolean {
	const { isProduction, smtpUrl, smsUrl } = settings;
	return !isProduction || Boolean(channel === "email" ? smtpUrl : smsUrl);
}
