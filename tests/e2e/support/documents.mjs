// Documents that ask for everything: from a schema, for each collection of a package, a list, a record and a creation.
import { buildSchema, isEnumType, isScalarType } from 'graphql';

const unwrapped = (type) => (type.ofType ? unwrapped(type.ofType) : type);
const isLeaf = (type) => isScalarType(type) || isEnumType(type);

/** The text of the documents, for the package with this namespace field. */
export function everyDocument(sdl, namespace) {
  const schema = buildSchema(sdl);
  const fields = Object.values(unwrapped(schema.getQueryType().getFields()[namespace].type).getFields());
  const documents = [];
  for (const field of fields) {
    const type = unwrapped(field.type);
    const name = field.name[0].toUpperCase() + field.name.slice(1);
    if (type.name.endsWith('Connection')) {
      const record = unwrapped(type.getFields().nodes.type);
      documents.push(`query ${name}($after: String, $filter: ${record.name}Filter, $order: [${record.name}Order!]) {
  ${namespace} {
    ${field.name}(first: 5, after: $after, filter: $filter, order: $order) {
      nodes ${selection(record)}
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }
}`);
    } else if (schema.getType(`${type.name}Connection`)) {
      documents.push(`query ${name}($id: ID!) { ${namespace} { ${field.name}(id: $id) ${selection(type)} } }`);
      const create = `${namespace}Create${type.name.split('_')[1]}`;
      if (schema.getMutationType().getFields()[create]) {
        documents.push(`mutation Create${name}($input: ${type.name}Create!) {
  ${create}(input: $input) { record ${selection(type)} errors { code message path } }
}`);
      }
    }
  }
  return { text: `${documents.join('\n\n')}\n`, count: documents.length };
}

/** Every field without arguments; of objects, what they hold themselves. */
function selection(type, depth = 0) {
  const chosen = Object.values(type.getFields()).flatMap((field) => {
    const inner = unwrapped(field.type);
    if (field.args.length > 0) return [];
    if (isLeaf(inner)) return [field.name];
    return depth < 1 ? [`${field.name} ${selection(inner, depth + 1)}`] : [];
  });
  return `{ ${chosen.join(' ')} }`;
}
