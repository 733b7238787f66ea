// A certified OpenID Connect provider with the people of a test, on a port of its own.
// The world comes as JSON on stdin: {client, people}. It prints its port when it listens.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const world = JSON.parse(readFileSync(0, "utf8"));
const PATH = `/${world.tenant}/v2.0`; // issuers of Entra ID have such a path
const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const provider = new Provider(`http://127.0.0.1:${port}${PATH}`, {
    clients: [world.client],
    jwks: { keys: [{ ...KEY.export({ format: "jwk" }), use: "sig", alg: "RS256", kid: "key-1" }] },
    cookies: { keys: ["of-this-test"] },
    // As Entra ID does, the ID token itself says who it is.
    conformIdTokenClaims: false,
    claims: { openid: ["sub", "oid", "tid", "roles"], profile: ["name", "preferred_username"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: `pairwise-${id}`, tid: world.tenant, ...world.people[id] }),
    }),
    // Nobody is asked for consent: an administrator gave it for everybody.
    loadExistingGrant: async (context) => {
      const { client, session, params, provider: own } = context.oidc;
      const grant = new own.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(params.scope);
      await grant.save();
      return grant;
    },
    pkce: { required: () => true },
    features: { rpInitiatedLogout: { enabled: true }, devInteractions: { enabled: true } },
    ttl: { IdToken: 3600, AuthorizationCode: 60, Session: 3600, Grant: 3600, Interaction: 600 },
  });
  const answer = provider.callback();
  server.on("request", (request, response) => {
    request.originalUrl = request.url; // how the library finds out below which path it is
    request.url = request.url.slice(PATH.length) || "/";
    answer(request, response);
  });
  console.log(port);
});
