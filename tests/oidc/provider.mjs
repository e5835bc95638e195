// A real OpenID Connect provider (panva's oidc-provider) for the tests, with its own sign-in and consent pages. Arguments: port
// (0: any), redirect URI, algorithm of the ID tokens. It generates new keys at every start.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import Provider from "oidc-provider";

const [port, redirectUri, algorithm] = process.argv.slice(2);

/** Groups and email addresses by account; other accounts have none. */
const GROUPS = { olga: ["belfry-ops"], eddie: ["belfry-editors", "others"], vera: ["belfry-viewers"], admin: ["belfry-ops"] };
const EMAILS = { olga: "olga@example.com", eddie: "eddie@example.com", vera: "vera@elsewhere.example" };

const [kind, options] = algorithm === "ES256" ? ["ec", { namedCurve: "P-256" }] : ["rsa", { modulusLength: 2048 }];
const { privateKey } = generateKeyPairSync(kind, options);
const key = { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: algorithm };

const configuration = {
  clients: [
    {
      client_id: "belfry",
      client_secret: "a secret of 30 characters & more%",
      redirect_uris: [redirectUri],
      id_token_signed_response_alg: algorithm,
    },
  ],
  jwks: { keys: [key] },
  scopes: ["openid", "profile", "email", "groups"],
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email", "email_verified"], groups: ["groups"] },
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      groups: globalThis.groups?.[id] ?? GROUPS[id] ?? [],
      ...(EMAILS[id] && { email: EMAILS[id], email_verified: true }),
    }),
  }),
};

const listen = (issuer, at) => {
  const provider = new Provider(issuer, configuration);
  return provider.listen(at, "127.0.0.1");
};

// The issuer contains the port, so a free port is determined first.
const free = async () => {
  const { createServer } = await import("node:net");
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const found = probe.address().port;
  await new Promise((resolve) => probe.close(resolve));
  return found;
};

const at = Number(port) || (await free());
const issuer = `http://127.0.0.1:${at}`;
const server = listen(issuer, at);
server.once("listening", () => console.log(issuer));

// A line on standard input changes the groups of an account: `olga belfry-viewers`.
let text = "";
process.stdin.on("data", (data) => {
  text += data;
  const lines = text.split("\n");
  text = lines.pop();
  for (const line of lines) {
    const [id, ...groups] = line.trim().split(" ");
    globalThis.groups = { ...globalThis.groups, [id]: groups };
    console.log(`groups of ${id}`);
  }
});
process.stdin.on("end", () => process.exit(0));
