import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import serveStatic from "serve-static";
import { problem } from "../../contracts/problems.ts";

const options = { index: false, maxAge: "1d" } as const;
/** Serves the folder of a package's file, without loading the file: it is a program for browsers. */
const folderOf = (file: string) =>
	serveStatic(dirname(createRequire(import.meta.url).resolve(file)), options);

const swagger = folderOf("swagger-ui-dist/swagger-ui-bundle.js");
const redoc = folderOf("redoc/bundles/redoc.standalone.js");

/**
 * Files of the packages that the pages need, each with its handler. No other files are served, as the `assets` of
 * moleculer-web would be.
 */
const ASSETS: Record<string, typeof swagger> = {
	"/swagger-ui.css": swagger,
	"/swagger-ui-bundle.js": swagger,
	"/favicon-32x32.png": swagger,
	"/redoc.standalone.js": redoc,
};

/** Addresses of the files with their handlers. */
export const docsAssets = Object.entries(ASSETS).map(
	([file, serve]) =>
		[
			`/docs/assets${file}`,
			(request: IncomingMessage, response: ServerResponse) =>
				new Promise<void>((done, fail) => {
					response.once("close", done);
					request.url = file;
					serve(request, response, (error?: unknown) => fail(error ?? problem("NOT_FOUND")));
				}),
		] as const,
);

/** Sends a page or script, whose links begin with the prefix that proxies have removed from the path. */
type Send = (response: ServerResponse, prefix: string) => void;

/** Addresses of the interactive documentation of the API and of the one to read, with their scripts. */
export const docsPages: [path: string, send: Send][] = [
	...viewer(
		"/docs",
		"swagger-ui-bundle.js",
		(prefix) => `<link rel="stylesheet" href="${prefix}/docs/assets/swagger-ui.css">`,
		// The browser itself determines the address of the shop.
		(prefix) => `fetch("${prefix}/openapi.json").then((answer) => answer.json()).then((document) => {
	const spec = { ...document, servers: [{ url: location.origin + "${prefix}" }] };
	SwaggerUIBundle({ spec, dom_id: "#page", deepLinking: true, persistAuthorization: true });
});
`,
	),
	...viewer(
		"/redoc",
		"redoc.standalone.js",
		() => "<style>body { margin: 0; }</style>",
		(prefix) =>
			`Redoc.init("${prefix}/openapi.json", { disableSearch: true, hideLogo: true }, document.getElementById("page"));\n`,
	),
];

/** Returns a page that loads nothing from another host, and its script: a file, so that the page needs none inline. */
function viewer(
	path: string,
	bundle: string,
	style: (prefix: string) => string,
	script: (prefix: string) => string,
): [path: string, send: Send][] {
	const sendPage: Send = (response, prefix) => {
		response.setHeader("Content-Type", "text/html; charset=utf-8");
		response.setHeader(
			"Content-Security-Policy",
			"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; frame-ancestors 'none'",
		);
		response.end(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Toko API</title>
<link rel="icon" href="${prefix}/docs/assets/favicon-32x32.png">
${style(prefix)}
</head>
<body>
<div id="page"></div>
<script src="${prefix}/docs/assets/${bundle}"></script>
<script src="${prefix}${path}/start.js"></script>
</body>
</html>
`);
	};
	const sendScript: Send = (response, prefix) => {
		response.setHeader("Content-Type", "text/javascript; charset=utf-8");
		response.end(script(prefix));
	};
	return [
		[path, sendPage],
		[`${path}/start.js`, sendScript],
	];
}
