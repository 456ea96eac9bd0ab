// What a client does: follows the cursor of a list, reads a record, reports an error, and is refused what it may not do.
//   node dist/example.js http://localhost:8080/t/<slug>/graphql
import { connect, RequestFailed } from './client.js';
import {
  CreateServicePointDocument, ReportErrorDocument, StreetDocument, StreetsDocument,
  type StreetNameFragment,
} from './generated.js';

const endpoint = process.argv[2];
if (endpoint === undefined) throw new Error('name the address of an API: http://localhost:8080/t/<slug>/graphql');
const client = connect(endpoint);

async function allStreets(): Promise<StreetNameFragment[]> {
  const streets: StreetNameFragment[] = [];
  for (let after: string | null = null, more = true; more;) {
    const { streetCards }: { streetCards: { streets: Page | null } } =
      await client.request(StreetsDocument, { after, filter: { sample: { eq: true } } });
    if (streetCards.streets === null) throw new Error('the list was not answered');
    streets.push(...streetCards.streets.nodes);
    ({ hasNextPage: more, endCursor: after } = streetCards.streets.pageInfo);
  }
  return streets;
}

interface Page {
  nodes: StreetNameFragment[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

const streets = await allStreets();
console.log(`${streets.length} streets: ${streets.map(({ name }) => name).join(' ')}`);

const [first] = streets;
if (first === undefined) throw new Error('there are no streets');
const { streetCards: { street, servicePoints } } = await client.request(StreetDocument, { id: first.id });
console.log(`${street?.name}: ${street?.at?.lat}, ${street?.at?.lng}; ${street?.nearbyServicePoints} service points nearby`);
for (const point of servicePoints?.nodes ?? []) console.log(`  ${point.name} (${point.kind})`);

const { streetCardsReportError: empty } = await client.request(ReportErrorDocument, { street: first.id, text: ' ' });
console.log(`an empty report: ${empty?.errors.map(({ code }) => code).join(' ')}`);
const { streetCardsReportError: reported } = await client.request(ReportErrorDocument, { street: first.id, text: '电话打不通' });
console.log(`a report: ${reported?.errors.length} errors`);

const input = { code: 'example', name: '示例', kind: 'STATION', street: first.id, at: { lat: 34.3, lng: 108.9 } } as const;
try {
  await client.request(CreateServicePointDocument, { input });
} catch (error) {
  if (!(error instanceof RequestFailed)) throw error;
  console.log(`creating a service point without a token: ${error.code}`);
}
