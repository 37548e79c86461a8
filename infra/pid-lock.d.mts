/** Identity of a process: its pid and start time, which together are never reused. */
export interface Identity {
	pid: number;
	started: string | null;
	/** Purpose of the lock, if it is not to run the shop. */
	work?: string;
}
/** A lock that this process holds. */
export interface PidLock {
	file: string;
	release(): void;
}
export function processStart(pid: number): string | null;
export function identityOf(pid?: number): Identity;
export function isRunning(identity: unknown): boolean;
export function holderOf(file: string): Identity | null;
export function tryLock(file: string, work?: string): PidLock | null;
