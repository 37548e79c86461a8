import type { IncomingMessage, ServerResponse } from "node:http";
import { LRUCache } from "lru-cache";
import { type CachedResponse, type ResponseCache, userOf } from "../../cache/response-cache.ts";
import { type Answer, linkTo, sendAnswer, tagOf } from "./answering.ts";
import { bringsBody } from "./body.ts";
import { Body } from "./encodings.ts";
import type { BrowserHeaders } from "./manners.ts";
import { tokenOf } from "./reading.ts";

/** Memory for all pages of a gateway, estimated, in bytes. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Memory of a page beside its texts, in bytes. */
const PAGE_BYTES = 1024;

/** A cached answer under the URL that it was asked for by, ready to be sent. */
interface Page {
	cached: CachedResponse;
	answer: Answer;
	/** The target of `Link` without what proxies have taken off, which each client is told by its own prefix. */
	next: string | undefined;
}

/** Text and tag of a cached answer, the same for all URLs of it. */
type Rendering = Pick<Answer, "tag"> & { body: Body };

/**
 * What is the same for all, ready to be sent to whoever asks for the same URL: nothing of a request is read but what the
 * answer's form depends on. A page is made of an answer that has taken the whole way, with all its checks, and is shown for as
 * long as the cache would show that answer.
 */
export class Pages {
	readonly #cache: ResponseCache;
	readonly #pages = new LRUCache<string, Page>({
		maxSize: BYTES_MAX,
		// Text may take two bytes for each character, and compressed forms are added later.
		sizeCalculation: ({ answer }, url) => PAGE_BYTES + 2 * url.length + 3 * (answer.body?.bytes ?? 0),
	});
	readonly #renderings = new WeakMap<CachedResponse, Rendering>();

	constructor(cache: ResponseCache) {
		this.#cache = cache;
	}

	/** What the pages take, estimated. */
	get bytes(): number {
		return this.#pages.calculatedSize;
	}

	/** What they may take at most. */
	get max(): number {
		return BYTES_MAX;
	}

	/** The page that this request can be answered with. */
	find(request: IncomingMessage): Page | undefined {
		const { method, url, headers } = request;
		if ((method !== "GET" && method !== "HEAD") || bringsBody(headers)) {
			return undefined;
		}
		const page = this.#pages.get(url as string);
		if (page === undefined) {
			return undefined;
		}
		if (this.#cache.isFresh(page.cached, clientOf(headers))) {
			return page;
		}
		if (page.cached.isInvalid) {
			this.#pages.delete(url as string);
		}
		return undefined;
	}

	/** Sends a page, with links that lead through the prefix by which the client reaches the shop. */
	send(
		request: IncomingMessage,
		response: ServerResponse,
		{ cached, answer, next }: Page,
		id: string,
		browser: BrowserHeaders,
		prefix: string,
	): Promise<void> | undefined {
		this.#cache.count(cached.action, "kept");
		const linked =
			next === undefined ? answer : { ...answer, headers: [...answer.headers, "Link", linkTo(next, prefix)] };
		return sendAnswer(request, response, linked, id, browser);
	}

	/** Text and tag of a cached answer. */
	render(cached: CachedResponse): Rendering {
		let rendering = this.#renderings.get(cached);
		if (rendering === undefined) {
			const text = JSON.stringify(cached.answer);
			rendering = { body: new Body(text), tag: tagOf(text) };
			this.#renderings.set(cached, rendering);
		}
		return rendering;
	}

	/** Remembers an answer under the URL of a request that was answered with it. */
	add(url: string, page: Page): void {
		if (!page.cached.isInvalid) {
			this.#pages.set(url, page);
		}
	}
}

/** The user whose own changes the answer must show, as middlewares/response-cache.ts names them. */
function clientOf(headers: IncomingMessage["headers"]): string | undefined {
	const token = headers.authorization === undefined ? undefined : tokenOf(headers);
	return token === undefined ? undefined : userOf(token);
}
