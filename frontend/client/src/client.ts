// Sends typed documents to a tenant's API: GraphQL over HTTP, nothing else.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print } from 'graphql';

/** An error of the whole request, or of a field that came back as null. */
export interface ApiError {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string };
}

/** What the API did not answer as asked. `errors` is empty when the answer was none of GraphQL. */
export class RequestFailed extends Error {
  constructor(readonly status: number, readonly errors: ApiError[]) {
    super(errors[0]?.message ?? `the server answered ${status}`);
  }

  /** The code of the first error, such as `DENIED`. */
  get code(): string | undefined {
    return this.errors[0]?.extensions?.code;
  }
}

export interface Client {
  /** Sends a query or mutation; fails with `RequestFailed` when anything of the answer is an error. */
  request<Result, Variables extends object>(
    document: TypedDocumentNode<Result, Variables>,
    variables: Variables,
  ): Promise<Result>;
}

/** A client of the API at `endpoint`, such as `http://localhost:8080/t/<slug>/graphql`; with the token of an actor, or without. */
export function connect(endpoint: string, { token, language = 'zh-CN' }: { token?: string; language?: string } = {}): Client {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json',
    'accept-language': language,
  };
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  return {
    async request<Result, Variables extends object>(document: TypedDocumentNode<Result, Variables>, variables: Variables) {
      const body = JSON.stringify({ query: print(document), variables });
      const response = await fetch(endpoint, { method: 'POST', headers, body });
      const answer = await readAnswer<Result>(response);
      if (answer.errors !== undefined || answer.data == null) throw new RequestFailed(response.status, answer.errors ?? []);
      return answer.data;
    },
  };
}

interface Answer<Result> {
  data?: Result | null;
  errors?: ApiError[];
}

async function readAnswer<Result>(response: Response): Promise<Answer<Result>> {
  const isGraphql = response.headers.get('content-type')?.startsWith('application/graphql-response+json') ?? false;
  return isGraphql ? await response.json() as Answer<Result> : {};
}
