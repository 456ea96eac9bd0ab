// Starts GraphiQL on the address it is served from.
const fetcher = GraphiQL.createFetcher({ url: location.pathname });
const defaultQuery = "# 在左侧文档中查看可用的字段；Ctrl+Enter 执行。\n{\n  apiVersion\n}\n";
ReactDOM.createRoot(document.getElementById("explorer")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery }),
);
