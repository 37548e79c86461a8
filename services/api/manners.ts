import compression from "compression";
import cors from "cors";
import helmet from "helmet";
import { settings } from "../../mixins/settings.ts";

const exposedHeaders = ["Deprecation", "ETag", "Link", "Location", "Retry-After", "Sunset", "X-Request-Id"];

/** What every answer gets, whatever it is about: headers for browsers, and compression. */
export function manners() {
	const { corsOrigins } = settings;
	return [
		helmet({
			contentSecurityPolicy: {
				useDefaults: false,
				directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
			},
		}),
		// Tokens travel in a header and there are no cookies, so no credentials are allowed for. OPTIONS is answered by us.
		...(corsOrigins.length > 0
			? [cors({ origin: corsOrigins, exposedHeaders, maxAge: 600, preflightContinue: true })]
			: []),
		compression(),
	];
}
