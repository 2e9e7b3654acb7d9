// A phone's files and an extraction's folder, in memory.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "made_database.hpp"
#include "salvage/artifact/extraction.hpp"
#include "salvage/io/sources.hpp"

namespace salvage::test {

class FakePhone final : public artifact::PhoneFiles {
public:
    void add(const std::string& path, io::SourcePtr content, std::int64_t modified_ns = 1'500'000'000'000'000'000)
    {
        for (auto slash = path.rfind('/'); slash != std::string::npos;
             slash = slash == 0 ? std::string::npos : path.rfind('/', slash - 1)) {
            const auto rest = path.substr(slash + 1);
            folders_[path.substr(0, slash)][rest.substr(0, rest.find('/'))] = rest.find('/') != std::string::npos;
        }
        files_[path] = {.content = std::move(content), .modified_ns = modified_ns};
    }
    void add(const std::string& path, std::string_view text)
    {
        const auto bytes = as_bytes(text);
        add(path, io::make_memory(Bytes{bytes.begin(), bytes.end()}, path));
    }
    void add_database(const std::string& path, const std::string& sql)
    {
        add(path, io::make_memory(made_database(sql), path));
    }
    /// As a copy of a running phone has it: the last changes only in the WAL.
    void add_with_wal(const std::string& path, const std::string& sql, const std::string& last_sql)
    {
        const TemporaryFolder folder;
        PhoneDatabase phone{folder.path() / "made.db"};
        phone.run("PRAGMA journal_mode=WAL;" + sql + "PRAGMA wal_checkpoint(TRUNCATE);" + last_sql);
        const auto files = phone.files();
        add(path, files.database);
        add(path + "-wal", files.wal);
    }
    void set_system_properties(std::string_view text)
    {
        const auto bytes = as_bytes(text);
        properties_ = io::make_memory(Bytes{bytes.begin(), bytes.end()}, "build.prop");
    }

    [[nodiscard]] std::vector<artifact::PhoneEntry> list(const std::string& folder) const override
    {
        std::vector<artifact::PhoneEntry> out;
        const auto found = folders_.find(folder);
        if (found != folders_.end()) {
            for (const auto& [name, is_folder] : found->second) {
                out.push_back(*find(folder + "/" + name));
            }
        }
        return out;
    }
    [[nodiscard]] std::optional<artifact::PhoneEntry> find(const std::string& path) const override
    {
        const auto name = path.substr(path.rfind('/') + 1);
        if (folders_.contains(path)) {
            return artifact::PhoneEntry{.name = name, .is_folder = true, .size = {}, .modified_ns = 0};
        }
        const auto found = files_.find(path);
        return found == files_.end() ? std::nullopt
                                     : std::optional{artifact::PhoneEntry{.name = name,
                                                                          .is_folder = false,
                                                                          .size = found->second.content->size(),
                                                                          .modified_ns = found->second.modified_ns}};
    }
    [[nodiscard]] Result<io::SourcePtr> open(const std::string& path) const override
    {
        const auto found = files_.find(path);
        return found == files_.end() ? Result<io::SourcePtr>{not_found("there is no " + path)}
                                     : Result<io::SourcePtr>{found->second.content};
    }
    [[nodiscard]] io::SourcePtr system_properties() const override { return properties_; }

private:
    struct File {
        io::SourcePtr content;
        std::int64_t modified_ns{};
    };
    std::map<std::string, File> files_;
    std::map<std::string, std::map<std::string, bool>> folders_;
    io::SourcePtr properties_;
};

class FakeSink final : public artifact::Sink {
public:
    std::map<std::string, std::string> texts; ///< finished ones
    std::map<std::string, Bytes> stored;
    std::vector<artifact::TablePage> tables;
    std::vector<artifact::ConversationPage> conversations;
    std::vector<artifact::GalleryPage> galleries;
    std::vector<artifact::IndexEntry> entries;

    Result<std::unique_ptr<artifact::TextOutput>> begin(const std::string& path) override
    {
        return std::make_unique<Text>(texts, path);
    }
    Result<artifact::Stored> store(const io::ByteSource& content, const std::string& folder, const std::string& name,
                                   std::optional<std::int64_t> /*modified_ns*/,
                                   const artifact::Origin& /*origin*/) override
    {
        auto bytes = SALVAGE_TRY(io::read_all(content, ByteCount{64U << 20U}));
        auto path = folder + "/" + name;
        while (stored.contains(path)) {
            path += "~";
        }
        stored[path] = std::move(bytes);
        return artifact::Stored{.path = path, .sha256 = std::string(64, 'a'), .lost = {}};
    }
    Result<> page(const artifact::TablePage& page) override
    {
        tables.push_back(page);
        return {};
    }
    Result<> page(const artifact::ConversationPage& page) override
    {
        conversations.push_back(page);
        return {};
    }
    Result<> page(const artifact::GalleryPage& page) override
    {
        galleries.push_back(page);
        return {};
    }
    void index(artifact::IndexEntry entry) override { entries.push_back(std::move(entry)); }

private:
    class Text final : public artifact::TextOutput {
    public:
        Text(std::map<std::string, std::string>& into, std::string path) : into_{&into}, path_{std::move(path)} {}
        Result<> add(std::string_view text) override
        {
            text_ += text;
            return {};
        }
        Result<> finish() override
        {
            (*into_)[path_] = text_;
            return {};
        }

    private:
        std::map<std::string, std::string>* into_;
        std::string path_;
        std::string text_;
    };
};

/// What one kind made of a phone.
struct Taken {
    FakeSink sink;
    artifact::KindReport report;
};

inline std::unique_ptr<Taken> take_out(const artifact::PhoneFiles& phone, std::string_view kind,
                                       const artifact::Bounds& bounds = {})
{
    auto out = std::make_unique<Taken>();
    const RunContext context;
    artifact::Extraction extraction{
        .files = &phone, .sink = &out->sink, .context = &context, .names = {}, .bounds = bounds};
    if (!artifact::learn_names(extraction).has_value()) {
        throw std::runtime_error{"names cannot be learnt"};
    }
    for (const auto& one : artifact::kinds()) {
        if (one.name == kind) {
            out->report = one.extract(extraction).value();
            return out;
        }
    }
    throw std::runtime_error{"there is no such kind"};
}

/// Output of a Python script that is given `text` as the file "in"; nothing where it failed.
inline std::optional<std::string> ask_python(const std::string& script, const std::string& text)
{
    const TemporaryFolder folder;
    const auto program = folder.write("ask.py", as_bytes(script));
    const auto input = folder.write("in", as_bytes(text));
    return run_command("/usr/bin/python3 " + program.string() + " " + input.string());
}

} // namespace salvage::test
