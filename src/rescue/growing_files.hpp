// Files that grow line by line: a manifest that appears when it is whole, a journal that is believed line by line.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "rescue/target_tree.hpp"
#include "salvage/io/output_file.hpp"

namespace salvage::rescue {

/// Text under its way; there under its name only after commit().
class TextFile {
public:
    explicit TextFile(io::OutputFile file) : file_{std::move(file)} {}
    Result<> append(const std::string& text)
    {
        SALVAGE_TRY(file_.write_at(at_, as_bytes(text)));
        at_ = at_ + ByteCount{text.size()};
        return {};
    }
    Result<> commit() { return file_.commit(); }

private:
    io::OutputFile file_;
    ByteOffset at_{0};
};

/// Appended to, never believed beyond its last whole line.
class Journal {
public:
    /// Goes on after the last line, which it closes where a killed run tore it.  Errors: io, no_space.
    [[nodiscard]] static Result<Journal> open(const std::filesystem::path& path);
    Result<> append(std::string_view text) const;

private:
    std::filesystem::path path_;
    OwnedDescriptor file_;
};

} // namespace salvage::rescue
