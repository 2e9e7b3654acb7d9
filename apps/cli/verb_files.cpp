// ls, cat, decrypt, split: looking and taking out.
#include <memory>

#include <fmt/format.h>

#include "opened_files.hpp"
#include "options.hpp"
#include "recorded.hpp"
#include "salvage/core/text.hpp"
#include "salvage/io/output_file.hpp"
#include "salvage/io/pieces.hpp"
#include "salvage/rescue/decrypt.hpp"
#include "salvage/rescue/dm_mapping.hpp"
#include "salvage/rescue/split.hpp"
#include "salvage/rescue/walk.hpp"
#include "verbs.hpp"

namespace salvage::cli {
namespace {

struct FileOptions {
    DumpOptions dump;
    SecretOptions secret;
    std::string path{"/"};
    std::string out;
    bool is_recursive{false};
    bool is_deleted{false};
    std::string format{"raw"};
    bool write_gaps{false};
    bool is_print_dmsetup{false};
    std::string key_out;
    std::vector<std::string> only;
    bool is_without_hash{false};
};

WhichFiles which_files(const FileOptions& options)
{
    return options.is_deleted ? WhichFiles::deleted : WhichFiles::live;
}

Result<> run_ls(const FileOptions& options, Session& session)
{
    const auto context = session.context();
    const auto opened =
        SALVAGE_TRY(open_filesystem(options.dump, options.secret, session, context, which_files(options)));
    const auto visit = [&](const rescue::ListedEntry& entry) -> Result<> {
        session.print(session.is_json ? render::json(entry) : render::text(entry, session.out_style()));
        if (entry.problem) {
            session.say(render::text(*entry.problem, session.err_style()));
        }
        return {};
    };
    return rescue::walk(*opened.files, options.path,
                        options.is_recursive ? rescue::Recursive::yes : rescue::Recursive::no, visit, context);
}

Result<> run_cat(const FileOptions& options, Session& session)
{
    session.is_quiet = true;
    const auto context = session.context();
    const auto opened =
        SALVAGE_TRY(open_filesystem(options.dump, options.secret, session, context, which_files(options)));
    const auto entry = SALVAGE_TRY(filesystem::find_path(*opened.files, options.path));
    if (entry.type != filesystem::EntryType::file) {
        return invalid_argument(fmt::format("{} is not a file", printable(options.path)),
                                filesystem::to_string(entry.type));
    }
    const auto content = SALVAGE_TRY(opened.files->open(entry.inode));
    return io::for_each_piece(*content, [](ByteOffset /*at*/, ByteView part) { return write_to_stdout(part); })
        .in("showing " + options.path);
}

/// The key goes into a file of its own, never to the screen.
Result<> print_dmsetup(const FileOptions& options, const rescue::OpenedDump& opened, Session& session)
{
    const auto script = SALVAGE_TRY(rescue::dmsetup_script(opened, options.key_out));
    SALVAGE_TRY(
        io::write_file_atomically(options.key_out, opened.outcome.volume->key.expose(), io::Existing::refuse, 0600)
            .in("writing the volume key"));
    session.print(script);
    return {};
}

Result<> check_decrypt(const FileOptions& options)
{
    if (options.is_print_dmsetup == options.key_out.empty()) {
        return invalid_argument("--print-dmsetup and --key-out go together", "the key is not shown on the screen",
                                "salvage decrypt DUMP --print-dmsetup --key-out userdata.key");
    }
    if (options.is_print_dmsetup != options.out.empty()) {
        return invalid_argument("either an image is written or a script is printed", {},
                                "give -o IMAGE, or --print-dmsetup --key-out FILE");
    }
    return {};
}

rescue::Hashing hashing(const FileOptions& options)
{
    return options.is_without_hash ? rescue::Hashing::no : rescue::Hashing::yes;
}

void add_no_hash(CLI::App& command, FileOptions& options)
{
    command.add_flag("--no-hash", options.is_without_hash,
                     "no SHA-256 on the way: a third of the work, and nothing to verify by");
}

Result<> run_decrypt(const FileOptions& options, Session& session)
{
    SALVAGE_TRY(check_decrypt(options));
    const auto context = session.context();
    const auto opened = SALVAGE_TRY(open_or_ask(options.dump, options.secret, session, context));
    if (options.is_print_dmsetup) {
        return print_dmsetup(options, opened, session);
    }
    const auto format = options.format == "sparse" ? rescue::ImageFormat::android_sparse : rescue::ImageFormat::raw;
    const auto report = SALVAGE_TRY(rescue::decrypt_to_file(
        opened.outcome.volume->plain, options.out,
        {.format = format, .source_identity = identity_of(opened), .hashing = hashing(options)}, context));
    show(session, report);
    if (format == rescue::ImageFormat::raw && !report.sha256.empty()) {
        session.outcome.known.emplace(report.path, report.sha256);
    }
    return {};
}

Result<> run_split(const FileOptions& options, Session& session)
{
    const auto context = session.context();
    const auto dump = SALVAGE_TRY(rescue::open_dump(options.dump.request()));
    if (dump.is_bare) {
        return not_found("this dump has no partition table, so there is nothing to cut",
                         "GPT, MBR, PMT were looked for", "give the layout: --scatter FILE");
    }
    const auto identity = fmt::format("{}; {} bytes", dump.path, dump.source->size().value);
    const auto report = SALVAGE_TRY(rescue::split(dump.source, dump.layout, options.out,
                                                  {.source_identity = identity,
                                                   .write_gaps = options.write_gaps,
                                                   .only = options.only,
                                                   .hashing = hashing(options)},
                                                  context));
    show(session, report);
    return {};
}

Outputs outputs(const FileOptions& options)
{
    auto out = outputs_at({options.out});
    if (!options.key_out.empty()) {
        out = out.value_or(std::vector<rescue::RunOutput>{});
        out->push_back({.path = options.key_out, .is_secret = true});
    }
    return out;
}

std::shared_ptr<FileOptions> add_verb(CLI::App& command, Session& session,
                                      Result<> (*work)(const FileOptions&, Session&))
{
    auto options = std::make_shared<FileOptions>();
    options->dump.add_to(command);
    add_output_options(command, session);
    on_chosen_recorded(command, session, options, work, outputs);
    return options;
}

} // namespace

void add_ls(CLI::App& app, Session& session)
{
    auto& command = verb(app, "ls", "list files of the opened userdata", "salvage ls phone.img /media/0/DCIM -R --ask");
    const auto options = add_verb(command, session, run_ls);
    command.add_option("path", options->path, "folder or file")->capture_default_str();
    command.add_flag("-R,--recursive", options->is_recursive, "folders in folders too");
    add_deleted_flag(command, options->is_deleted);
    options->secret.add_to(command);
}

void add_cat(CLI::App& app, Session& session)
{
    auto& command = verb(app, "cat", "write one file to standard output",
                         "salvage cat phone.img /media/0/DCIM/Camera/IMG_1.jpg --ask > IMG_1.jpg");
    const auto options = add_verb(command, session, run_cat);
    command.add_option("path", options->path, "file")->required();
    add_deleted_flag(command, options->is_deleted);
    options->secret.add_to(command);
}

void add_decrypt(CLI::App& app, Session& session)
{
    auto& command = verb(app, "decrypt", "write the decrypted userdata as an image",
                         "salvage decrypt phone.img -o userdata.img --ask");
    const auto options = add_verb(command, session, run_decrypt);
    command.add_option("-o,--out", options->out, "image to write; an interrupted one goes on");
    command.add_flag("--print-dmsetup", options->is_print_dmsetup,
                     "print a script that maps userdata with the kernel's dm-crypt instead (needs root and --key-out)");
    command.add_option("--key-out", options->key_out, "with --print-dmsetup: the volume key goes here, mode 0600");
    add_no_hash(command, *options);
    command.add_option("--format", options->format, "raw, or sparse (Android)")
        ->check(CLI::IsMember({"raw", "sparse"}))
        ->capture_default_str();
    options->secret.add_to(command);
}

void add_split(CLI::App& app, Session& session)
{
    auto& command = verb(app, "split", "one image per partition, sparse and hashed, with a manifest",
                         "salvage split phone.img -o parts");
    const auto options = add_verb(command, session, run_split);
    command.add_option("-o,--out", options->out, "target folder: new, empty, or an unfinished split of the same dump")
        ->required();
    add_no_hash(command, *options);
    command.add_flag("--gaps", options->write_gaps, "write what lies outside all partitions too");
    command.add_option("--only", options->only, "only these partitions (repeatable)");
}

} // namespace salvage::cli
