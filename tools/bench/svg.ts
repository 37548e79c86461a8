export const INK = "#1f2933";
export const FAINT = "#7b8794";
export const RULE = "#e4e7eb";

/** Returns a complete SVG file with a white background. */
export function page(
	{ width, height, title }: { width: number; height: number; title: string },
	content: string[],
): string {
	return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif" font-size="13" fill="${INK}" role="img">
<title>${escaped(title)}</title>
<rect width="${width}" height="${height}" rx="10" fill="#ffffff"/>
${content.join("\n")}
</svg>
`;
}

export interface TextStyle {
	size?: number;
	weight?: number;
	fill?: string;
	anchor?: "middle" | "end";
	/** True to draw a white outline around the letters over the background. */
	halo?: boolean;
}

/** Returns a line of text. */
export function text(left: number, y: number, content: string, style: TextStyle = {}): string {
	const { size, weight, fill, anchor, halo } = style;
	const attributes = [
		size ? ` font-size="${size}"` : "",
		weight ? ` font-weight="${weight}"` : "",
		fill ? ` fill="${fill}"` : "",
		anchor ? ` text-anchor="${anchor}"` : "",
		halo ? ' stroke="#ffffff" stroke-width="3" paint-order="stroke" stroke-linejoin="round"' : "",
	].join("");
	return `<text x="${left.toFixed(1)}" y="${y}"${attributes}>${escaped(content)}</text>`;
}

/** Formats a number for display: two significant digits, from 100 on in full. */
export function short(value: number): string {
	return value >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(2)));
}

function escaped(content: string): string {
	return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
