import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import serveStatic from "serve-static";
import swaggerUi from "swagger-ui-dist";

const options = { index: false, maxAge: "1d" } as const;
const redocFolder = dirname(createRequire(import.meta.url).resolve("redoc/bundles/redoc.standalone.js"));

/** The files that the pages need, by the package that has them. */
const ASSETS: { files: string[]; serve: ReturnType<typeof serveStatic> }[] = [
	{
		files: ["/swagger-ui.css", "/swagger-ui-bundle.js", "/favicon-32x32.png"],
		serve: serveStatic(swaggerUi.getAbsoluteFSPath(), options),
	},
	{ files: ["/redoc.standalone.js"], serve: serveStatic(redocFolder, options) },
];

/** These files, and no others of the packages. */
export function docsAssets(request: IncomingMessage, response: ServerResponse, next: () => void): void {
	const asset = ASSETS.find(({ files }) => files.includes(request.url ?? ""));
	if (asset) {
		asset.serve(request, response, next);
	} else {
		next();
	}
}

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Toko API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="page"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const SCRIPT = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#page", deepLinking: true, persistAuthorization: true });\n`;

/** The interactive page of the API. */
export function docsPage(_request: IncomingMessage, response: ServerResponse): void {
	sendPage(response, PAGE);
}

const REDOC_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Toko API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<style>body { margin: 0; }</style>
</head>
<body>
<div id="page"></div>
<script src="/docs/assets/redoc.standalone.js"></script>
<script src="/redoc/start.js"></script>
</body>
</html>
`;

const REDOC_SCRIPT = `Redoc.init("/openapi.json", { disableSearch: true, hideLogo: true }, document.getElementById("page"));\n`;

/** The API as a page to read. */
export function redocPage(_request: IncomingMessage, response: ServerResponse): void {
	sendPage(response, REDOC_PAGE);
}

/** Starts that page. */
export function redocScript(_request: IncomingMessage, response: ServerResponse): void {
	response.setHeader("Content-Type", "text/javascript; charset=utf-8");
	response.end(REDOC_SCRIPT);
}

/** Nothing is loaded from another host. */
function sendPage(response: ServerResponse, page: string): void {
	response.setHeader("Content-Type", "text/html; charset=utf-8");
	response.setHeader(
		"Content-Security-Policy",
		"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; frame-ancestors 'none'",
	);
	response.end(page);
}

/** Starts the page; a file of its own, so that the page needs no inline script. */
export function docsScript(_request: IncomingMessage, response: ServerResponse): void {
	response.setHeader("Content-Type", "text/javascript; charset=utf-8");
	response.end(SCRIPT);
}
