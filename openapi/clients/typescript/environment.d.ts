// All that is used of Node.
declare const process: { env: Record<string, string | undefined> };
