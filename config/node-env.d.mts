export const environments: string[];
export function nodeEnvironment(): "development" | "test" | "production";
