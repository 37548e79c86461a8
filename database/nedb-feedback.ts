import { Datastore } from "./nedb-datastore.ts";

/** Number of documents after which V8 has collected type feedback, and not only counted calls. */
const DOCUMENTS = 50;

/**
 * Lets V8 collect type feedback that keeps NeDB's check of documents optimized.
 *
 * `checkObject` of NeDB (3.1.0, and 4.1.2) reads the fields of objects and the items of lists in the same `for … in` loop. V8
 * (13.6) collects no feedback when it reads the enumerated field of an object, so it knows only of lists, and its optimized code
 * fails at every object: it is thrown away and compiled again, some sixty times a second while products change. That takes a fifth of
 * the processor time that the process needs for an order. An object with a number as a key is read in the general way, whose
 * feedback also covers all other objects.
 */
export async function collectFeedback(): Promise<void> {
	const store = new Datastore({ inMemoryOnly: true });
	for (let count = 0; count < DOCUMENTS; count++) {
		await store.insertAsync({ 1: "number", name: "text" });
	}
}
