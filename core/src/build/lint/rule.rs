//! The rules by name.

/// A rule. Names are Docker's where Docker has the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is described by its advice")]
pub enum Rule {
    BaseImageUnmaintained,
    ConsistentInstructionCasing,
    CopyIgnoredFile,
    DetachesItself,
    DuplicateStageName,
    ExposeInvalidFormat,
    ExposeProtoCasing,
    FromAsCasing,
    FromPlatformFlagConstDisallowed,
    InvalidBaseImagePlatform,
    InvalidDefaultArgInFrom,
    InvalidDefinitionDescription,
    JSONArgsRecommended,
    JSONListMalformed,
    LegacyKeyValueFormat,
    MaintainerDeprecated,
    MultipleInstructionsDisallowed,
    NoEmptyContinuation,
    PackageListsStale,
    PackagesOfAnotherRelease,
    PasswordInLayer,
    RedundantTargetPlatform,
    RemovedInLaterLayer,
    ReservedStageName,
    SecretsUsedInArgOrEnv,
    StageNameCasing,
    SyntaxNotUsed,
    TextAfterList,
    UndefinedArgInFrom,
    UndefinedVar,
    WorkdirRelativePath,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 31] = [
        Rule::BaseImageUnmaintained,
        Rule::ConsistentInstructionCasing,
        Rule::CopyIgnoredFile,
        Rule::DetachesItself,
        Rule::DuplicateStageName,
        Rule::ExposeInvalidFormat,
        Rule::ExposeProtoCasing,
        Rule::FromAsCasing,
        Rule::FromPlatformFlagConstDisallowed,
        Rule::InvalidBaseImagePlatform,
        Rule::InvalidDefaultArgInFrom,
        Rule::InvalidDefinitionDescription,
        Rule::JSONArgsRecommended,
        Rule::JSONListMalformed,
        Rule::LegacyKeyValueFormat,
        Rule::MaintainerDeprecated,
        Rule::MultipleInstructionsDisallowed,
        Rule::NoEmptyContinuation,
        Rule::PackageListsStale,
        Rule::PackagesOfAnotherRelease,
        Rule::PasswordInLayer,
        Rule::RedundantTargetPlatform,
        Rule::RemovedInLaterLayer,
        Rule::ReservedStageName,
        Rule::SecretsUsedInArgOrEnv,
        Rule::StageNameCasing,
        Rule::SyntaxNotUsed,
        Rule::TextAfterList,
        Rule::UndefinedArgInFrom,
        Rule::UndefinedVar,
        Rule::WorkdirRelativePath,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Rule::BaseImageUnmaintained => "BaseImageUnmaintained",
            Rule::ConsistentInstructionCasing => "ConsistentInstructionCasing",
            Rule::CopyIgnoredFile => "CopyIgnoredFile",
            Rule::DetachesItself => "DetachesItself",
            Rule::DuplicateStageName => "DuplicateStageName",
            Rule::ExposeInvalidFormat => "ExposeInvalidFormat",
            Rule::ExposeProtoCasing => "ExposeProtoCasing",
            Rule::FromAsCasing => "FromAsCasing",
            Rule::FromPlatformFlagConstDisallowed => "FromPlatformFlagConstDisallowed",
            Rule::InvalidBaseImagePlatform => "InvalidBaseImagePlatform",
            Rule::InvalidDefaultArgInFrom => "InvalidDefaultArgInFrom",
            Rule::InvalidDefinitionDescription => "InvalidDefinitionDescription",
            Rule::JSONArgsRecommended => "JSONArgsRecommended",
            Rule::JSONListMalformed => "JSONListMalformed",
            Rule::LegacyKeyValueFormat => "LegacyKeyValueFormat",
            Rule::MaintainerDeprecated => "MaintainerDeprecated",
            Rule::MultipleInstructionsDisallowed => "MultipleInstructionsDisallowed",
            Rule::NoEmptyContinuation => "NoEmptyContinuation",
            Rule::PackageListsStale => "PackageListsStale",
            Rule::PackagesOfAnotherRelease => "PackagesOfAnotherRelease",
            Rule::PasswordInLayer => "PasswordInLayer",
            Rule::RedundantTargetPlatform => "RedundantTargetPlatform",
            Rule::RemovedInLaterLayer => "RemovedInLaterLayer",
            Rule::ReservedStageName => "ReservedStageName",
            Rule::SecretsUsedInArgOrEnv => "SecretsUsedInArgOrEnv",
            Rule::StageNameCasing => "StageNameCasing",
            Rule::SyntaxNotUsed => "SyntaxNotUsed",
            Rule::TextAfterList => "TextAfterList",
            Rule::UndefinedArgInFrom => "UndefinedArgInFrom",
            Rule::UndefinedVar => "UndefinedVar",
            Rule::WorkdirRelativePath => "WorkdirRelativePath",
        }
    }

    /// What to do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Rule::BaseImageUnmaintained => "build on a release that still gets security updates",
            Rule::ConsistentInstructionCasing => "write all instructions in upper case",
            Rule::CopyIgnoredFile => "take it out of .dockerignore, or do not copy it",
            Rule::DetachesItself => {
                "run the program itself in the foreground: catalina.sh run, apache2 -DFOREGROUND, nginx -g 'daemon off;'"
            }
            Rule::DuplicateStageName => "give each stage a name of its own",
            Rule::ExposeInvalidFormat => "write the container's port alone; -p of run publishes it",
            Rule::ExposeProtoCasing => "write tcp or udp in lower case",
            Rule::FromAsCasing => "write FROM and AS in the same case",
            Rule::FromPlatformFlagConstDisallowed => "use --platform of build, or $BUILDPLATFORM",
            Rule::InvalidBaseImagePlatform => "use an image for the platform that is built for",
            Rule::InvalidDefaultArgInFrom => "give the ARG a default that makes a valid image name",
            Rule::InvalidDefinitionDescription => "begin the comment with the name, or put an empty line after it",
            Rule::JSONArgsRecommended => "write [\"program\", \"argument\"], so that the program gets the signals",
            Rule::JSONListMalformed => "JSON has double quotes, and commas between the words",
            Rule::LegacyKeyValueFormat => "write NAME=VALUE",
            Rule::MaintainerDeprecated => "write LABEL org.opencontainers.image.authors=NAME",
            Rule::MultipleInstructionsDisallowed => "leave the earlier ones out",
            Rule::NoEmptyContinuation => "take the empty line out",
            Rule::PackageListsStale => "write apt-get update && apt-get install -y … in one RUN",
            Rule::PackagesOfAnotherRelease => "name the release of the base image, or build on an image of that release",
            Rule::PasswordInLayer => {
                "leave the account without a password: exec opens a shell without one, and keys can be mounted when it runs"
            }
            Rule::RedundantTargetPlatform => "leave --platform out",
            Rule::RemovedInLaterLayer => "remove it in the RUN that makes it, or build in one stage and COPY --from it into another",
            Rule::ReservedStageName => "give the stage another name",
            Rule::SecretsUsedInArgOrEnv => "use RUN --mount=type=secret: what is in ARG and ENV stays in the image",
            Rule::StageNameCasing => "write the name in lower case",
            Rule::SyntaxNotUsed => "Drydock reads every Dockerfile itself; the line can stay",
            Rule::TextAfterList => "a comment has a line of its own, and # is its first character",
            Rule::UndefinedArgInFrom => "declare it by ARG before the first FROM",
            Rule::UndefinedVar => "declare it by ARG or ENV before; an ARG before FROM must be declared again in the stage",
            Rule::WorkdirRelativePath => "write an absolute path",
        }
    }

    /// Given only when asked for by `# check=experimental=`.
    pub fn is_experimental(self) -> bool {
        matches!(self, Rule::CopyIgnoredFile | Rule::InvalidDefinitionDescription)
    }

    /// Docker's page about it.
    pub fn page(self) -> Option<String> {
        let own = [
            Rule::BaseImageUnmaintained,
            Rule::DetachesItself,
            Rule::JSONListMalformed,
            Rule::PackageListsStale,
            Rule::PackagesOfAnotherRelease,
            Rule::PasswordInLayer,
            Rule::RemovedInLaterLayer,
            Rule::SyntaxNotUsed,
            Rule::TextAfterList,
        ];
        if own.contains(&self) {
            return None;
        }
        let mut slug = String::new();
        let name = self.name().replace("JSON", "Json");
        for (i, c) in name.chars().enumerate() {
            if c.is_ascii_uppercase() && i > 0 {
                slug.push('-');
            }
            slug.push(c.to_ascii_lowercase());
        }
        Some(format!("https://docs.docker.com/go/dockerfile/rule/{slug}/"))
    }
}
