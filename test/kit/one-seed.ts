// Run before each file of unit tests: what a change is held to is the same for everybody, and the same again.
import fc from "fast-check";

/** What property tests draw from unless told otherwise: TALLSHIP_SEED=NUMBER draws others, and names them when a test fails. */
const SEED = 20_261_126;

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env["TALLSHIP_SEED"] ?? SEED) });
