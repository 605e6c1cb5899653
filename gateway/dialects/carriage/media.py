"""Pictures, sound and files. Data only."""

from gateway.dialects.carriage.words import CHAT, CONFIG, PART, RESPONSES, A, C, D, R, at, doors
from gateway.dialects.verdicts import Row

_FILE_BYTES = "The file at `{field}` is held by another provider: send its bytes instead."
MEDIA = (
    Row(
        "image",
        "Image",
        doors(
            "messages[].content[].image_url",
            "input[].content[].image_url",
            "messages[].content[].source",
            PART + "inlineData",
        ),
        at(C),
    ),
    Row(
        "image_url",
        "Image by address",
        doors(
            "messages[].content[].image_url.url",
            "input[].content[].image_url",
            "messages[].content[].source.url",
            PART + "fileData.fileUri",
        ),
        at(C),
    ),
    Row(
        "image_detail",
        "An image's detail",
        doors("messages[].content[].image_url.detail", "input[].content[].detail"),
        at(C, C, D, D),
        beside=True,
    ),
    Row(
        "media_type",
        "A type of media that the dialect does not take",
        doors("messages[].content[]", "input[].content[]", "messages[].content[]", "contents[].parts[]"),
        at(R),
        say="The model's provider takes no {detail} at `{field}`: send JPEG, PNG, GIF, WebP, PDF or text.",
    ),
    Row(
        "pdf",
        "PDF",
        doors(
            "messages[].content[].file",
            "input[].content[].file_data",
            "messages[].content[].source",
            PART + "inlineData",
        ),
        at(C),
    ),
    Row(
        "text_file",
        "Text file",
        doors(
            "messages[].content[].file",
            "input[].content[].file_data",
            "messages[].content[].source",
            PART + "inlineData",
        ),
        at(A, C, C, C),
        note="its words, in a `<document>` tag",
        # Chat's own clients are judged by their provider.
        pairs={(CHAT, CHAT): C},
    ),
    Row(
        "filename",
        "A file's name",
        doors("messages[].content[].file.filename", "input[].content[].filename", "messages[].content[].title"),
        at(C, C, C, D),
    ),
    Row(
        "pdf_url",
        "PDF by address",
        doors(None, "input[].content[].file_url", "messages[].content[].source.url", PART + "fileData.fileUri"),
        at(R, C, C, C),
        say="The model's provider takes no file by address at `{field}`: send its bytes instead.",
    ),
    Row(
        "file_id",
        "A file by its id",
        doors(
            "messages[].content[].file.file_id", "input[].content[].file_id", "messages[].content[].source.file_id"
        ),
        at(R),
        say=_FILE_BYTES,
        # Two spellings of one provider, whose files they are.
        pairs={(CHAT, RESPONSES): C, (RESPONSES, CHAT): C},
    ),
    Row(
        "held_file",
        "A file in a provider's own store, by its address",
        doors(gemini=PART + "fileData.fileUri"),
        at(R, R, R, C),
        say=_FILE_BYTES,
    ),
    Row(
        "audio_in",
        "Audio",
        doors("messages[].content[].input_audio", "input[].content[].input_audio", None, PART + "inlineData"),
        at(C, C, R, C),
        say="The model's provider takes no audio at `{field}`: leave it out.",
    ),
    Row(
        "video",
        "Video",
        doors(gemini=PART + "inlineData"),
        at(R, R, R, C),
        say="The model's provider takes no video at `{field}`: leave it out.",
    ),
    Row(
        "audio_out",
        "An answer as audio or an image",
        doors(
            ("modalities", "audio"),
            None,
            None,
            (CONFIG + "responseModalities", CONFIG + "speechConfig", CONFIG + "imageConfig"),
        ),
        at(R),
        say="The model's provider answers in text only: leave `{field}` out.",
        beside=True,
    ),
    Row(
        "media_hints",
        "How finely media are read",
        doors(
            None,
            None,
            "messages[].content[].transformations",
            (CONFIG + "mediaResolution", PART + "mediaResolution", PART + "videoMetadata"),
        ),
        at(D),
        beside=True,
    ),
    Row(
        "citations",
        "Citations asked of a document",
        doors(None, None, ("messages[].content[].citations", "messages[].content[].context")),
        at(D),
        beside=True,
    ),
)
