// A process that opens the database named on its command line and holds it until it is killed.
import { openDatabase } from '../../src/storage/database.ts';

const database = openDatabase(process.argv[2] ?? '');
process.send?.('open');
setInterval(() => database.open, 1000);
