export function logFile(folder: string, shop: string): string;
export function secretsRecorder(folder: string, shop: string): (name: string, secret: unknown) => void;
export function findLoggedSecrets(folder: string): string[];
