import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import serveStatic from "serve-static";
import swaggerUi from "swagger-ui-dist";
import { problem } from "../../contracts/problems.ts";

const options = { index: false, maxAge: "1d" } as const;
const redocFolder = dirname(createRequire(import.meta.url).resolve("redoc/bundles/redoc.standalone.js"));

const swagger = serveStatic(swaggerUi.getAbsoluteFSPath(), options);
const redoc = serveStatic(redocFolder, options);

/** Files of the packages that the pages need, each with its handler. No other files are served. */
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

const swaggerPage = (prefix: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Toko API</title>
<link rel="stylesheet" href="${prefix}/docs/assets/swagger-ui.css">
<link rel="icon" href="${prefix}/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="${prefix}/docs/assets/swagger-ui-bundle.js"></script>
<script src="${prefix}/docs/start.js"></script>
</body>
</html>
`;

/** The browser itself determines the address of the shop. */
const swaggerScript = (
	prefix: string,
) => `fetch("${prefix}/openapi.json").then((answer) => answer.json()).then((document) => {
	const spec = { ...document, servers: [{ url: location.origin + "${prefix}" }] };
	SwaggerUIBundle({ spec, dom_id: "#page", deepLinking: true, persistAuthorization: true });
});
`;

/** Sends the interactive documentation of the API. */
export function docsPage(response: ServerResponse, prefix: string): void {
	sendPage(response, swaggerPage(prefix));
}

const redocPageAt = (prefix: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Toko API</title>
<link rel="icon" href="${prefix}/docs/assets/favicon-32x32.png">
<style>body { margin: 0; }</style>
</head>
<body>
<div id="page"></div>
<script src="${prefix}/docs/assets/redoc.standalone.js"></script>
<script src="${prefix}/redoc/start.js"></script>
</body>
</html>
`;

const redocScriptAt = (prefix: string) =>
	`Redoc.init("${prefix}/openapi.json", { disableSearch: true, hideLogo: true }, document.getElementById("page"));\n`;

/** Sends the documentation of the API as a page to read. */
export function redocPage(response: ServerResponse, prefix: string): void {
	sendPage(response, redocPageAt(prefix));
}

/** Sends the script that starts that page. */
export function redocScript(response: ServerResponse, prefix: string): void {
	sendScript(response, redocScriptAt(prefix));
}

/** Sends a page that loads nothing from another host. */
function sendPage(response: ServerResponse, page: string): void {
	response.setHeader("Content-Type", "text/html; charset=utf-8");
	response.setHeader(
		"Content-Security-Policy",
		"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; frame-ancestors 'none'",
	);
	response.end(page);
}

/** Sends the script that starts the page; a separate file, so that the page needs no inline script. */
export function docsScript(response: ServerResponse, prefix: string): void {
	sendScript(response, swaggerScript(prefix));
}

function sendScript(response: ServerResponse, script: string): void {
	response.setHeader("Content-Type", "text/javascript; charset=utf-8");
	response.end(script);
}
