declare const BUILD_COMMIT: string | undefined;

/** Version of this build. */
export const VERSION = "0.1.0";

/** Git commit of this build; "development" when it runs from the sources. */
export const COMMIT = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : "development";
