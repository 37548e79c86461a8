export function nodeEnvironment(): "development" | "test" | "production";
