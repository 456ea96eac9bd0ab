//! Fields that hold files: a record holds the id, the API shows the file.

use std::sync::Arc;

use async_graphql::dataloader::DataLoader;
use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, SchemaBuilder, TypeRef,
};
use async_graphql::{Error, Value as Gql};
use sunlit_app::address::{MAX_SECONDS, USUAL_SECONDS};
use sunlit_app::query::file_get::{self, File};
use sunlit_app::query::file_thumbnail::{self, WIDTHS};
use sunlit_domain::Manifest;
use sunlit_domain::id::lower_camel;
use sunlit_domain::manifest;
use sunlit_domain::value::Value;

use crate::loader::{FileKey, Gather};
use crate::node::{Node, failed, reading, settle};
use crate::scalar;

/// The type of a file.
const FILE: &str = "File";
/// For how many seconds an address is good.
const EXPIRES_IN: &str = "expiresIn";
/// Of a picture, in pixels.
const WIDTH: &str = "width";

/// A field that holds a file or a list of them.
pub(crate) fn field(field: &manifest::Field, index: usize, description: String) -> Field {
    let (type_ref, is_list) =
        (scalar::shaped(field, FILE.to_owned(), false), field.field_type == manifest::FieldType::List);
    Field::new(lower_camel(field.name.as_str()), type_ref, move |ctx| {
        FieldFuture::new(async move {
            let node = ctx.parent_value.try_downcast_ref::<Node>()?;
            let Some(value) = node.record.values.get(index) else { return Ok(None) };
            settle(&ctx, follow(&ctx, value, is_list).await)
        })
    })
    .description(description)
}

async fn follow<'a>(ctx: &ResolverContext<'a>, value: &Value, is_list: bool) -> Result<Option<FieldValue<'a>>, Error> {
    let ids: Vec<FileKey> = match value {
        Value::Id(id) => vec![FileKey(*id)],
        Value::List(items) => {
            items.iter().filter_map(|item| if let Value::Id(id) = item { Some(FileKey(*id)) } else { None }).collect()
        }
        _ => Vec::new(),
    };
    if ids.is_empty() {
        return Ok(is_list.then(|| FieldValue::list(Vec::<FieldValue<'_>>::new())));
    }
    let loader = ctx.ctx.data::<DataLoader<Gather>>()?;
    let found = loader.load_many(ids.iter().copied()).await.map_err(|error| failed(ctx, &error))?;
    // In the order of the list.
    let mut files = ids.iter().filter_map(|id| found.get(id)).map(|file| FieldValue::owned_any(Arc::clone(file)));
    Ok(if is_list { Some(FieldValue::list(files)) } else { files.next() })
}

/// The type of a file, for package sets that have one.
pub(crate) fn register(schema: SchemaBuilder, manifests: &[Arc<Manifest>]) -> SchemaBuilder {
    let fields = manifests.iter().flat_map(|manifest| &manifest.collections).flat_map(|collection| &collection.fields);
    let held = fields.into_iter().any(manifest::Field::holds_files);
    if held { schema.register(file()) } else { schema }
}

fn file() -> Object {
    let object = Object::new(FILE).description(
        "上传的文件；写入时给出文件的编号。 / An uploaded file. To write one, upload it by POST to files and give its id.",
    );
    let object = part(object, "id", TypeRef::ID, "编号。 / Its id.", |file| Gql::from(file.id.to_string()));
    let object =
        part(object, "name", TypeRef::STRING, "文件名。 / Its name.", |file| Gql::from(file.name.as_str()));
    let object = part(object, "size", TypeRef::INT, "字节数。 / Its bytes.", |file| Gql::from(file.size));
    let object = part(object, "contentType", TypeRef::STRING, "媒体类型。 / Its media type.", |file| {
        Gql::from(file.content_type.as_str())
    });
    let object = part(object, "sha256", TypeRef::STRING, "内容的 SHA-256。 / SHA-256 of its content.", |file| {
        Gql::from(file.sha256.as_str())
    });
    let object = object.field(
        Field::new("url", TypeRef::named_nn(TypeRef::STRING), |ctx| {
            FieldFuture::new(async move {
                let file = ctx.parent_value.try_downcast_ref::<Arc<File>>()?;
                let base = reading(&ctx)?.base();
                Ok(Some(FieldValue::value(format!("{base}{}", file_get::path(file)))))
            })
        })
        .description("本站上的下载地址。 / Where it is read, on this host."),
    );
    object.field(download_url()).field(thumbnail_url())
}

/// Where the picture in small is read by whoever has the address.
fn thumbnail_url() -> Field {
    let seconds = InputValue::new(EXPIRES_IN, TypeRef::named(TypeRef::INT)).default_value(USUAL_SECONDS);
    Field::new("thumbnailUrl", TypeRef::named(TypeRef::STRING), |ctx| {
        FieldFuture::new(async move {
            let address = thumbnail(&ctx);
            settle(&ctx, address.map(|address| address.map(FieldValue::value)))
        })
    })
    .argument(InputValue::new(WIDTH, TypeRef::named_nn(TypeRef::INT)))
    .argument(seconds)
    .description(format!(
        "限时缩略图地址：宽度为 {WIDTHS:?} 之一；不是图片则为空。 / An address of the picture in small, of one of the widths {WIDTHS:?}; \
         null for what is no PNG, JPEG, WebP or GIF. As downloadUrl it needs no signing in."
    ))
}

fn thumbnail(ctx: &ResolverContext<'_>) -> Result<Option<String>, Error> {
    let file = ctx.parent_value.try_downcast_ref::<Arc<File>>()?;
    let width = file_thumbnail::width(ctx.args.try_get(WIDTH)?.i64()?).map_err(|error| failed(ctx, &error))?;
    if !file_thumbnail::is_picture(&file.content_type) {
        return Ok(None);
    }
    address(ctx, Some(width)).map(Some)
}

/// Where the file is read by whoever has the address: a browser follows a link without saying who asks.
fn download_url() -> Field {
    let seconds = InputValue::new(EXPIRES_IN, TypeRef::named(TypeRef::INT)).default_value(USUAL_SECONDS);
    Field::new("downloadUrl", TypeRef::named(TypeRef::STRING), |ctx| {
        FieldFuture::new(async move {
            let address = address(&ctx, None);
            settle(&ctx, address.map(|address| Some(FieldValue::value(address))))
        })
    })
    .argument(seconds)
    .description(format!(
        "限时下载地址：凭此地址即可读取，无需登录，expiresIn 为有效秒数，最多 {MAX_SECONDS}。 / An address that reads the file without \
         signing in, for expiresIn seconds, at most {MAX_SECONDS}: for links and pictures in a browser."
    ))
}

fn address(ctx: &ResolverContext<'_>, width: Option<u16>) -> Result<String, Error> {
    let file = ctx.parent_value.try_downcast_ref::<Arc<File>>()?;
    let seconds = match ctx.args.get(EXPIRES_IN) {
        Some(seconds) if !seconds.is_null() => seconds.i64()?,
        _ => USUAL_SECONDS,
    };
    file_get::address(reading(ctx)?, file, seconds, width).map_err(|error| failed(ctx, &error))
}

fn part(object: Object, name: &str, type_name: &str, description: &str, get: fn(&File) -> Gql) -> Object {
    let field = Field::new(name, TypeRef::named_nn(type_name), move |ctx| {
        let file = ctx.parent_value.try_downcast_ref::<Arc<File>>();
        FieldFuture::Value(file.ok().map(|file| FieldValue::value(get(file))))
    });
    object.field(field.description(description))
}
