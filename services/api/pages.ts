import type { IncomingMessage } from "node:http";
import { LRUCache } from "lru-cache";
import { type CachedResponse, type ResponseCache, userOf } from "../../cache/response-cache.ts";
import { type Answer, tagOf } from "./answering.ts";
import { bringsBody } from "./body.ts";
import { Body } from "./encodings.ts";
import { tokenOf } from "./reading.ts";

/** Maximum estimated memory of all pages of a gateway, in bytes. */
const BYTES_MAX = 64 * 1024 * 1024;
/** Estimated memory of a page without its texts, in bytes. */
const PAGE_BYTES = 1024;

/** A cached response for a URL, ready to be sent. */
interface Page {
	cached: CachedResponse;
	answer: Answer;
	/** Target of `Link` without the prefix that proxies have removed, which is added for each client. */
	next: string | undefined;
}

/** Text and entity tag of a cached response, shared by all its URLs. */
type Rendering = Pick<Answer, "tag"> & { body: Body };

/**
 * A cache of complete responses by URL, for responses that are the same for all clients. Of a request, only the headers
 * that affect the response's form are read. A page is added after a call with all its checks, and is used for as long
 * as the response cache would use that response.
 */
export class Pages {
	readonly #cache: ResponseCache;
	readonly #pages = new LRUCache<string, Page>({
		maxSize: BYTES_MAX,
		// Text may take two bytes per character, and compressed forms are added later.
		sizeCalculation: ({ answer }, url) => PAGE_BYTES + 2 * url.length + 3 * (answer.body?.bytes ?? 0),
	});
	readonly #renderings = new WeakMap<CachedResponse, Rendering>();

	constructor(cache: ResponseCache) {
		this.#cache = cache;
	}

	/** Estimated size of the pages in bytes. */
	get bytes(): number {
		return this.#pages.calculatedSize;
	}

	/** Maximum size of the pages in bytes. */
	get max(): number {
		return BYTES_MAX;
	}

	/** Returns the page for this request, if it is cached. */
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

	/** Returns the text and entity tag of a cached response with this content. */
	render(cached: CachedResponse, content: unknown): Rendering {
		let rendering = this.#renderings.get(cached);
		if (rendering === undefined) {
			const text = JSON.stringify(content);
			rendering = { body: new Body(text), tag: tagOf(text) };
			this.#renderings.set(cached, rendering);
		}
		return rendering;
	}

	/** Caches a response under the URL of its request. */
	add(url: string, page: Page): void {
		if (!page.cached.isInvalid) {
			this.#pages.set(url, page);
		}
	}
}

/** Returns the user whose own changes the response must include, as middlewares/response-cache.ts identifies them. */
function clientOf(headers: IncomingMessage["headers"]): string | undefined {
	const token = headers.authorization === undefined ? undefined : tokenOf(headers);
	return token === undefined ? undefined : userOf(token);
}
