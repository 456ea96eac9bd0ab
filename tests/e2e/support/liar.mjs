// A provider of identities that lies on request.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from 'jose';

/** Starts it. What `provider.lie` names it does; `provider.asked` counts requests. */
export async function startLiar() {
  const own = await generateKeyPair('RS256', { extractable: true });
  const foreign = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' };
  const provider = { lie: 'none', asked: 0, nonce: '', subject: 'liar-1', email: 'somebody@example.org' };
  const server = createServer((request, response) => {
    provider.asked += 1;
    answer(request).then(
      (body) => {
        if (body === undefined) return;
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      },
      () => response.writeHead(500).end(),
    );
    async function answer({ url }) {
      if (provider.lie === 'redirect') {
        response.writeHead(302, { location: `${provider.issuer}/elsewhere` }).end();
        return undefined;
      }
      if (provider.lie === 'endless') {
        response.writeHead(200, { 'content-type': 'application/json' }).end('x'.repeat(1_000_000));
        return undefined;
      }
      if (url.endsWith('/openid-configuration')) return configuration();
      if (url === '/jwks') return { keys: [jwk] };
      if (url === '/token') return token();
      throw new Error(url);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  provider.issuer = `http://127.0.0.1:${server.address().port}`;
  provider.stop = () => server.close();

  function configuration() {
    const { issuer } = provider;
    return {
      issuer: provider.lie === 'issuer' ? 'http://127.0.0.1:1' : issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    };
  }

  async function token() {
    const { lie, issuer } = provider;
    const claims = {
      nonce: lie === 'nonce' ? 'another' : provider.nonce,
      email: provider.email,
      email_verified: lie !== 'unverified',
      name: '某人',
    };
    const filled = (jwt) =>
      jwt
        .setIssuer(lie === 'token issuer' ? 'http://127.0.0.1:1' : issuer)
        .setAudience(lie === 'audience' ? 'somebody else' : 'sunlit')
        .setSubject(provider.subject)
        .setIssuedAt()
        .setExpirationTime(lie === 'expired' ? '-10m' : '5m');
    const signed =
      lie === 'alg none'
        ? filled(new UnsecuredJWT(claims)).encode()
        : await filled(new SignJWT(claims))
            .setProtectedHeader({ alg: 'RS256', kid: 'own' })
            .sign(lie === 'key' ? foreign.privateKey : own.privateKey);
    return { access_token: 'secret', token_type: 'Bearer', expires_in: 60, id_token: signed };
  }
  return provider;
}
