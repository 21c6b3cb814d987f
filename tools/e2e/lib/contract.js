// What the documentation pages are to show.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const contract = readFileSync(join(import.meta.dirname, '../../../openapi.yaml'), 'utf8');

/** The ids of all operations of the contract. */
export const operations = Array.from(contract.matchAll(/^ +operationId: (\w+)$/gm), ([, id]) => id);
