//! What is read of a type: its fields or variants, with the names that the rules know them by.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Ident, LitStr, Member, Path, Result, Type};

/// A type.
pub(crate) enum Of {
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

/// A variant of an enum.
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// Its name in the rules.
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
}

/// A field of a struct or a variant.
pub(crate) struct Field {
    pub(crate) member: Member,
    /// Its name in the rules.
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// The method that it is had from, if not from the field itself.
    pub(crate) by: Option<Path>,
}

/// What the attributes of a field or variant say.
#[derive(Default)]
struct Said {
    name: Option<String>,
    skip: bool,
    by: Option<Path>,
    as_type: Option<Type>,
}

impl Of {
    /// Reads a type, whose attributes are called `attribute`. Fields can be left out and had from methods where `facts` are derived.
    pub(crate) fn read(input: &DeriveInput, attribute: &str, facts: bool) -> Result<Of> {
        match &input.data {
            Data::Struct(of) => {
                if !matches!(of.fields, Fields::Named(_)) {
                    let reason =
                        "the rules know fields by their names: give this struct named fields";
                    return Err(Error::new_spanned(&input.ident, reason));
                }
                Ok(Of::Struct(fields(&of.fields, attribute, facts)?))
            }
            Data::Enum(of) => {
                let variant = |variant: &syn::Variant| {
                    if let Fields::Unnamed(fields) = &variant.fields {
                        let reason =
                            "the rules know fields by their names: give this variant named fields";
                        return Err(Error::new_spanned(fields, reason));
                    }
                    let said = Said::read(&variant.attrs, attribute, &["name"])?;
                    Ok(Variant {
                        ident: variant.ident.clone(),
                        name: said.name.unwrap_or_else(|| plain(&variant.ident)),
                        fields: fields(&variant.fields, attribute, false)?,
                    })
                };
                Ok(Of::Enum(
                    of.variants.iter().map(variant).collect::<Result<_>>()?,
                ))
            }
            Data::Union(_) => Err(Error::new_spanned(
                &input.ident,
                "a union has no value that could be told: derive it for a struct or an enum",
            )),
        }
    }

    /// The shape, for which each field's type answers by the trait.
    pub(crate) fn shape(&self, ident: &Ident, fact: bool) -> TokenStream {
        let name = ident.to_string();
        match self {
            Of::Struct(fields) => {
                let record = record(&name, fields, fact);
                quote! { ::tollgate::typed::Shape::Record(&#record) }
            }
            Of::Enum(variants) => {
                let variants = variants.iter().map(|v| record(&v.name, &v.fields, fact));
                quote! {
                    ::tollgate::typed::Shape::Enum(&::tollgate::typed::EnumShape {
                        name: #name,
                        variants: &[#(#variants),*],
                    })
                }
            }
        }
    }

    /// All fields.
    pub(crate) fn fields(&self) -> Vec<&Field> {
        match self {
            Of::Struct(fields) => fields.iter().collect(),
            Of::Enum(variants) => variants.iter().flat_map(|v| &v.fields).collect(),
        }
    }
}

fn record(name: &str, fields: &[Field], fact: bool) -> TokenStream {
    let fields = fields.iter().map(|field| {
        let (name, ty) = (&field.name, &field.ty);
        let shape = match (fact, &field.by) {
            (true, Some(_)) => {
                quote! { <::core::option::Option<#ty> as ::tollgate::typed::Fact>::SHAPE }
            }
            (true, None) => quote! { <#ty as ::tollgate::typed::Fact>::SHAPE },
            (false, _) => quote! { <#ty as ::tollgate::typed::Outcome>::SHAPE },
        };
        quote! { (#name, #shape) }
    });
    quote! { ::tollgate::typed::RecordShape { name: #name, fields: &[#(#fields),*] } }
}

fn fields(fields: &Fields, attribute: &str, facts: bool) -> Result<Vec<Field>> {
    let known: &[&str] = match facts {
        true => &["name", "skip", "by", "as"],
        false => &["name"],
    };
    let mut read = Vec::new();
    for (field, member) in fields.iter().zip(fields.members()) {
        let said = Said::read(&field.attrs, attribute, known)?;
        if said.skip {
            continue;
        }
        let ty = match (&said.by, said.as_type) {
            (Some(_), Some(ty)) => ty,
            (None, None) => field.ty.clone(),
            _ => {
                let reason = "`by = method` and `as = Type` go together: the method gives an `Option<&Type>`";
                return Err(Error::new_spanned(field, reason));
            }
        };
        let name = match (&said.name, &member) {
            (Some(name), _) => name.clone(),
            (None, Member::Named(ident)) => plain(ident),
            (None, Member::Unnamed(index)) => index.index.to_string(),
        };
        read.push(Field {
            member,
            name,
            ty,
            by: said.by,
        });
    }
    Ok(read)
}

impl Said {
    fn read(attributes: &[Attribute], attribute: &str, known: &[&str]) -> Result<Said> {
        let mut said = Said::default();
        for found in attributes.iter().filter(|a| a.path().is_ident(attribute)) {
            found.parse_nested_meta(|meta| said.take(&meta, known))?;
        }
        Ok(said)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>, known: &[&str]) -> Result<()> {
        let is = |name: &str| meta.path.is_ident(name) && known.contains(&name);
        if is("name") {
            self.name = Some(meta.value()?.parse::<LitStr>()?.value());
        } else if is("skip") {
            self.skip = true;
        } else if is("by") {
            self.by = Some(meta.value()?.parse()?);
        } else if is("as") {
            self.as_type = Some(meta.value()?.parse()?);
        } else {
            let known = known.join("`, `");
            return Err(meta.error(format!("only `{known}` can be said here")));
        }
        Ok(())
    }
}

/// A name as the rules would write it.
fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}
