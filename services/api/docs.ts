import type { IncomingMessage, ServerResponse } from "node:http";
import serveStatic from "serve-static";
import swaggerUi from "swagger-ui-dist";

const ASSETS = ["/swagger-ui.css", "/swagger-ui-bundle.js", "/favicon-32x32.png"];
const serveAsset = serveStatic(swaggerUi.getAbsoluteFSPath(), { index: false, maxAge: "1d" });

/** The files of Swagger UI that the page needs, from its package: nothing is loaded from another host. */
export function docsAssets(request: IncomingMessage, response: ServerResponse, next: () => void): void {
	if (ASSETS.includes(request.url ?? "")) {
		serveAsset(request, response, next);
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
	response.setHeader("Content-Type", "text/html; charset=utf-8");
	response.setHeader(
		"Content-Security-Policy",
		"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
	);
	response.end(PAGE);
}

/** Starts the page; a file of its own, so that the page needs no inline script. */
export function docsScript(_request: IncomingMessage, response: ServerResponse): void {
	response.setHeader("Content-Type", "text/javascript; charset=utf-8");
	response.end(SCRIPT);
}
