//! `#[derive(Facts)]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{DeriveInput, Member, Result, parse_quote};

use crate::shape::{Field, Of};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let of = Of::read(input, "facts", true)?;
    let mut generics = input.generics.clone();
    if generics.type_params().next().is_some() {
        let bounds = generics.make_where_clause();
        for field in of.fields() {
            let ty = &field.ty;
            bounds
                .predicates
                .push(parse_quote! { #ty: ::tollgate::typed::Fact });
        }
    }
    let (ident, shape) = (&input.ident, of.shape(&input.ident, true));
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let body = match &of {
        Of::Struct(fields) => {
            let puts = fields.iter().enumerate().map(|(n, field)| put(field, n));
            quote! {
                fit.put_record(to, word, |fields| {
                    #(#puts)*
                    ::core::result::Result::Ok(())
                })
            }
        }
        Of::Enum(variants) => {
            // The number is told before the fields, so that an enum without fields is read without a branch.
            let numbers = variants.iter().zip(0u32..).map(|(variant, number)| {
                let ident = &variant.ident;
                quote! { Self::#ident { .. } => #number, }
            });
            let puts = variants.iter().map(|variant| {
                let ident = &variant.ident;
                let names = variant.fields.iter().map(|field| {
                    let (member, bound) = (&field.member, bound(field));
                    quote! { #member: #bound }
                });
                let puts = variant.fields.iter().enumerate().map(|(n, field)| {
                    let bound = bound(field);
                    quote! { fields.put(#n, #bound)?; }
                });
                quote! { Self::#ident { #(#names),* } => { #(#puts)* } }
            });
            quote! {
                let variant = match self { #(#numbers)* };
                fit.put_variant(variant, to, word, |fields| {
                    match self { #(#puts)* }
                    ::core::result::Result::Ok(())
                })
            }
        }
    };
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::tollgate::typed::Fact for #ident #arguments #bounds {
            const SHAPE: ::tollgate::typed::Shape = #shape;

            #[inline]
            fn word<'facts>(
                &'facts self,
                fit: &::tollgate::typed::Fit,
                to: &::tollgate::typed::Entering<'facts>,
            ) -> ::core::result::Result<
                ::tollgate::typed::Word<'facts>,
                ::std::boxed::Box<::tollgate::typed::Refusal>,
            > {
                let mut word = ::tollgate::typed::Word::None;
                ::tollgate::typed::Fact::put(self, fit, to, &mut word)?;
                ::core::result::Result::Ok(word)
            }

            #[allow(unused_variables, reason = "a type without fields uses none")]
            #[inline]
            fn put<'facts>(
                &'facts self,
                fit: &::tollgate::typed::Fit,
                to: &::tollgate::typed::Entering<'facts>,
                word: &mut ::tollgate::typed::Word<'facts>,
            ) -> ::core::result::Result<(), ::std::boxed::Box<::tollgate::typed::Refusal>> {
                #body
            }
        }
    })
}

/// What writes the word of a field of a struct.
fn put(field: &Field, number: usize) -> TokenStream {
    let (member, ty) = (&field.member, &field.ty);
    match &field.by {
        None => quote! { fields.put(#number, &self.#member)?; },
        Some(method) => {
            let method = match method.get_ident() {
                Some(name) => quote! { Self::#name },
                None => quote! { #method },
            };
            quote! {
                if fields.wants(#number) {
                    let value: ::core::option::Option<&'facts #ty> = #method(self);
                    if let ::core::option::Option::Some(value) = value {
                        fields.put(#number, value)?;
                    }
                }
            }
        }
    }
}

/// The name that a variant's field is bound to, which can be that of nothing else in the generated code.
fn bound(field: &Field) -> proc_macro2::Ident {
    match &field.member {
        Member::Named(ident) => format_ident!("field_{}", ident),
        Member::Unnamed(index) => format_ident!("field_{}", index.index),
    }
}
